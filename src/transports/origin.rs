//! Which browser pages may connect. The rule is one for every transport; a request without an Origin is no browser's.

use ::http::HeaderMap;
use ::http::HeaderValue;
use ::http::header;

/// The origins that are let in (`--allow-origin`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Every page.
    Any,
    /// Only pages that this server itself has served: the Origin's host and port are those of the request.
    Own,
    /// Only these, in lower case, as browsers write them: `scheme://host[:port]`.
    Listed(Vec<String>),
}

impl Origins {
    /// Whether a request with these headers may come in. No browser names two origins; whoever does needs both let in.
    pub fn allow(&self, headers: &HeaderMap) -> bool {
        let mut named = headers.get_all(header::ORIGIN).iter();
        named.all(|origin| self.allows(origin, headers))
    }

    fn allows(&self, origin: &HeaderValue, headers: &HeaderMap) -> bool {
        let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
        match self {
            Self::Any => true,
            Self::Own => {
                let host = headers
                    .get(header::HOST)
                    .and_then(|host| host.to_str().ok());
                let of_origin = origin.split_once("://").map(|(_, host)| host);
                of_origin.is_some() && of_origin == host.map(str::to_ascii_lowercase).as_deref()
            }
            Self::Listed(listed) => listed.contains(&origin),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(origin: &'static str) -> HeaderMap {
        let host = (header::HOST, HeaderValue::from_static("chat.example:8080"));
        HeaderMap::from_iter([host, (header::ORIGIN, HeaderValue::from_static(origin))])
    }

    #[test]
    fn a_page_is_let_in_by_its_origin() {
        let listed = Origins::Listed(vec!["https://app.example".to_owned()]);
        for (origin, own, in_list) in [
            ("http://chat.example:8080", true, false),
            ("https://CHAT.example:8080", true, false),
            ("http://chat.example", false, false),
            ("http://chat.example:8080.evil.example", false, false),
            ("https://app.example", false, true),
            ("null", false, false),
        ] {
            assert!(Origins::Any.allow(&request(origin)), "{origin}");
            assert_eq!(Origins::Own.allow(&request(origin)), own, "{origin}");
            assert_eq!(listed.allow(&request(origin)), in_list, "{origin}");
        }
        assert!(listed.allow(&HeaderMap::new()), "no browser");
        let mut two = request("https://app.example");
        two.append(
            header::ORIGIN,
            HeaderValue::from_static("https://evil.example"),
        );
        assert!(!listed.allow(&two), "the second is not let in");
    }
}

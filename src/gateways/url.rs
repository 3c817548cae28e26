//! The parts of a URL as text: percent-encoding undone, and the pairs of a query.

/// Undoes `%XX`. `None` where the digits are wrong or the result is not UTF-8.
pub fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        bytes.push(hex(digits[0])? << 4 | hex(digits[1])?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

/// The pairs of a query string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `a=1&b=2`, `+` being a space. `None` where [`decode`] has none.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |part: &str| decode(&part.replace('+', " "));
        text.split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((plain(name)?, plain(value)?))
            })
            .collect::<Option<_>>()
            .map(Self)
    }

    /// The first value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(known, _)| known == name)?;
        Some(&pair.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_undone_or_refused() {
        for (text, plain) in [
            ("wususu", Some("wususu")),
            ("a%20b", Some("a b")),
            ("%E5%BB%96%e6%9d%b0", Some("廖杰")),
            ("a+b", Some("a+b")),
            ("%", None),
            ("%2", None),
            ("%+2", None),
            ("%FF", None),
        ] {
            assert_eq!(decode(text).as_deref(), plain, "{text}");
        }
    }

    #[test]
    fn a_query_is_read_by_name_and_the_first_value_counts() {
        let query = Query::parse("with=li+aojie&&limit=%35&limit=9&flag").unwrap();
        assert_eq!(query.get("with"), Some("li aojie"));
        assert_eq!(query.get("limit"), Some("5"));
        assert_eq!(query.get("flag"), Some(""));
        assert_eq!(query.get("before"), None);
        assert_eq!(Query::parse("with=%zz"), None);
        assert_eq!(Query::parse(""), Some(Query::default()));
    }
}

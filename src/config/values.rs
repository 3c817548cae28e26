//! How each kind of value is read. An error is the end of the sentence that refuses the value: what is allowed.

use std::fmt::Display;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;

use http::Uri;
use tracing_subscriber::EnvFilter;

use crate::config::StoreUrl;

/// A reader of whole numbers from `min` to `max`.
pub(super) fn whole<T>(min: T, max: T) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: Copy + Display + PartialOrd + TryFrom<u64> + Send + Sync + 'static,
{
    move |text| {
        let number = decimal(text).and_then(|number| T::try_from(number).ok());
        number
            .filter(|number| (min..=max).contains(number))
            .ok_or_else(|| format!("allowed is a whole number from {min} to {max}"))
    }
}

/// A reader of sizes from `min` to `max` bytes: a number of bytes, or of `KiB` or `MiB`.
pub(super) fn size(min: usize, max: usize) -> impl Fn(&str) -> Result<usize, String> + Clone {
    move |text| {
        let units = [("KiB", 1 << 10), ("MiB", 1 << 20)];
        let (number, unit) = units
            .iter()
            .find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?.trim_end(), *bytes)))
            .unwrap_or((text, 1));
        decimal(number)
            .and_then(|number| usize::try_from(number.checked_mul(unit)?).ok())
            .filter(|bytes| (min..=max).contains(bytes))
            .ok_or_else(|| {
                format!("allowed is a number of bytes, KiB or MiB (65536, 64KiB, 1MiB), from {min} to {max} bytes")
            })
    }
}

/// Digits alone: the standard library would take a sign as well.
fn decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// An address and a port; `localhost` is 127.0.0.1. Other names are not looked up: they may mean several addresses.
pub(super) fn listener(text: &str) -> Result<SocketAddr, String> {
    let localhost = text
        .strip_prefix("localhost:")
        .and_then(|port| whole(0, u16::MAX)(port).ok())
        .map(|port| (Ipv4Addr::LOCALHOST, port).into());
    localhost.or_else(|| text.parse().ok()).ok_or_else(|| {
        "allowed is ADDRESS:PORT, such as 127.0.0.1:8080, [::1]:8080, 0.0.0.0:80 or localhost:0"
            .into()
    })
}

/// A prefix of paths, without the slash at its end; empty for `/`.
pub(super) fn context_path(text: &str) -> Result<String, String> {
    // What RFC 3986, 2.3 calls unreserved: no server or proxy on the way writes these differently.
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let segment = |s: &str| !matches!(s, "" | "." | "..") && s.bytes().all(unreserved);
    let path = text.strip_suffix('/').unwrap_or(text);
    let good = text.starts_with('/') && (path.is_empty() || path.split('/').skip(1).all(segment));
    good.then(|| path.to_owned()).ok_or_else(|| {
        "allowed is / or a path such as /Mimi or /chat/v1, of letters, digits, '-', '.', '_' and '~'".into()
    })
}

/// Where to keep everything.
pub(super) fn store(text: &str) -> Result<StoreUrl, String> {
    match text {
        "sqlite:" => Ok(StoreUrl::Sqlite),
        _ => Err("allowed is sqlite: (a database in the --data directory)".into()),
    }
}

/// A key that other servers call with.
pub(super) fn api_key(text: &str) -> Result<String, String> {
    let visible = text.bytes().all(|b| b.is_ascii_graphic());
    if visible && !text.is_empty() {
        return Ok(text.to_owned());
    }
    Err("allowed are visible ASCII characters, with no space or comma".to_owned())
}

/// A thing that is so or not.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    text.parse()
        .map_err(|_| "allowed is true or false".to_owned())
}

/// Where events are posted: a whole URL, to which each of them goes as it stands.
pub(super) fn webhook(text: &str) -> Result<Uri, String> {
    let good = |uri: &Uri| {
        let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        // Nobody would send the name and the password, and everybody would show them.
        scheme && uri.host().is_some_and(|host| !host.is_empty()) && !authority.contains('@')
    };
    let uri = text.parse().ok().filter(good);
    uri.filter(|_| !text.contains('#')).ok_or_else(|| {
        "allowed is http://HOST/PATH or https://HOST/PATH, such as https://chat.example/hook, with no name, password or #".into()
    })
}

/// A browser's origin the way browsers write it (RFC 6454, 6.2): in lower case, without the port its scheme implies.
pub(super) fn origin(text: &str) -> Result<String, String> {
    read_origin(&text.to_ascii_lowercase()).ok_or_else(|| {
        "allowed is SCHEME://HOST or SCHEME://HOST:PORT, such as https://chat.example or http://localhost:3000, \
         with no path and no *"
            .into()
    })
}

fn read_origin(text: &str) -> Option<String> {
    let (scheme, authority) = text.split_once("://")?;
    let in_scheme = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.bytes().all(in_scheme) {
        return None;
    }
    let (host, port) = match authority.rsplit_once(':') {
        // The last colon may stand in an IPv6 address.
        Some((host, port)) if !port.ends_with(']') => (host, Some(whole(1, u16::MAX)(port).ok()?)),
        _ => (authority, None),
    };
    let address = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let good = match address {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => host.split('.').all(label),
    };
    let implied = matches!((scheme, port), ("http", Some(80)) | ("https", Some(443)));
    good.then(|| match port {
        Some(port) if !implied => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{host}"),
    })
}

/// A part of a host's name.
fn label(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    !text.is_empty() && text.bytes().all(allowed)
}

/// What to log.
pub(super) fn log_filter(text: &str) -> Result<String, String> {
    match EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(
            "allowed is off, error, warn, info, debug or trace, or a list such as warn,hongyan=debug".into(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let size = size(10, 2 << 20);
        for (text, bytes) in [("10", 10), ("64KiB", 65_536), ("2 MiB", 2 << 20)] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in [
            "",
            "9",
            "KiB",
            "+10",
            "1.5MiB",
            "3MiB",
            "64kb",
            "18446744073709551615KiB",
        ] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn webhooks_are_whole_urls() {
        for good in [
            "http://127.0.0.1:9000/hook",
            "https://chat.example/hook?key=1",
            "https://chat.example",
            "http://[::1]:9000/",
        ] {
            let read = webhook(good).map(|uri| uri.host().map(str::to_owned));
            assert!(read.is_ok_and(|host| host.is_some()), "{good}");
        }
        for bad in [
            "",
            "/hook",
            "chat.example/hook",
            "chat.example:80",
            "ftp://chat.example/",
            "https:///hook",
            "https://li:secret@chat.example/",
            "https://chat.example/#there",
            "https://chat.example/a b",
        ] {
            assert!(webhook(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn listeners_are_addresses() {
        for (text, read) in [
            ("localhost:0", "127.0.0.1:0"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]:8080", "[::1]:8080"),
        ] {
            assert_eq!(listener(text).unwrap().to_string(), read);
        }
        for text in [
            "",
            "8080",
            ":8080",
            "localhost",
            "localhost:+1",
            "localhost:65536",
            "chat.example:80",
        ] {
            assert!(listener(text).is_err(), "{text}");
        }
    }

    #[test]
    fn context_paths_have_no_slash_at_their_end() {
        for (text, read) in [
            ("/", ""),
            ("/Mimi", "/Mimi"),
            ("/Mimi/", "/Mimi"),
            ("/a/~b", "/a/~b"),
        ] {
            assert_eq!(context_path(text).as_deref(), Ok(read));
        }
        for text in [
            "", "Mimi", "//", "/a//b", "/a/..", "/a b", "/a?b", "/龙", "/a%20", "/:x",
        ] {
            assert!(context_path(text).is_err(), "{text}");
        }
    }

    #[test]
    fn origins_are_as_browsers_write_them() {
        for (text, read) in [
            ("https://Chat.Example", "https://chat.example"),
            ("https://chat.example:443", "https://chat.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("http://[::1]", "http://[::1]"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            assert_eq!(origin(text).as_deref(), Ok(read));
        }
        for text in [
            "*",
            "null",
            "chat.example",
            "https://",
            "https://a/",
            "https://a/b",
            "https://a:0",
            "https://a:",
            "https://a b",
            "https://u@a",
            "https://*.a",
            "://a",
            "http://[x]",
            "http://::1",
            "http://a..b",
        ] {
            assert!(origin(text).is_err(), "{text}");
        }
    }
}

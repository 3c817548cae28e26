//! The headers of a queue's message as one text: names and values in turn, each as `LENGTH:TEXT` (a netstring without its
//! comma), so that they may hold anything.

type Headers = Vec<(Box<str>, Box<str>)>;

/// Writes them.
pub(super) fn write(headers: &Headers) -> String {
    let mut text = String::new();
    for part in headers.iter().flat_map(|(name, value)| [name, value]) {
        text.push_str(&part.len().to_string());
        text.push(':');
        text.push_str(part);
    }
    text
}

/// Reads what was written; `None` for anything else.
pub(super) fn read(mut text: &str) -> Option<Headers> {
    let mut part = || {
        if text.is_empty() {
            return Some(None);
        }
        let (length, rest) = text.split_once(':')?;
        let length = length.parse().ok()?;
        let found = rest.get(..length)?;
        text = rest.get(length..)?;
        Some(Some(Box::from(found)))
    };
    let mut headers = Vec::new();
    while let Some(name) = part()? {
        headers.push((name, part()??));
    }
    Some(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_reads_back() {
        for headers in [&[][..], &[("a", "b"), ("", "3:x"), ("起", "x\ny:z")]] {
            let headers: Headers = headers
                .iter()
                .map(|(name, value)| (Box::from(*name), Box::from(*value)))
                .collect();
            assert_eq!(read(&write(&headers)), Some(headers));
        }
    }

    #[test]
    fn damage_is_noticed() {
        for damaged in ["1", "1:", "1:a", "1:a9:b", "x:a1:b", "1:起1:b", "-1:a"] {
            assert_eq!(read(damaged), None, "{damaged:?}");
        }
    }
}

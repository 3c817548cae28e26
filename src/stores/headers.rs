//! Texts in a row as one text, each as `LENGTH:TEXT` (a netstring without its comma), so that they may hold anything: the
//! headers of a queue's message, the fields of a group.

type Headers = Vec<(Box<str>, Box<str>)>;

/// Writes headers, names and values in turn.
pub(super) fn write(headers: &Headers) -> String {
    let parts = headers.iter().flat_map(|(name, value)| [&**name, &**value]);
    join(parts)
}

/// Reads what was written; `None` for anything else.
pub(super) fn read(text: &str) -> Option<Headers> {
    let mut parts = split(text)?.into_iter();
    let mut headers = Vec::new();
    while let Some(name) = parts.next() {
        headers.push((name, parts.next()?));
    }
    Some(headers)
}

/// Writes any texts.
pub(super) fn join<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for part in parts {
        text.push_str(&part.len().to_string());
        text.push(':');
        text.push_str(part);
    }
    text
}

/// Reads what was joined; `None` for anything else.
pub(super) fn split(mut text: &str) -> Option<Vec<Box<str>>> {
    let mut parts = Vec::new();
    while !text.is_empty() {
        let (length, rest) = text.split_once(':')?;
        let length = length.parse().ok()?;
        parts.push(Box::from(rest.get(..length)?));
        text = rest.get(length..)?;
    }
    Some(parts)
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
    fn what_was_joined_splits_again() {
        for parts in [&[][..], &["a"], &["", "3:x", "起"]] {
            let split = split(&join(parts.iter().copied()));
            assert_eq!(
                split,
                Some(parts.iter().map(|part| Box::from(*part)).collect())
            );
        }
    }

    #[test]
    fn damage_is_noticed() {
        for damaged in ["1", "1:", "1:a", "1:a9:b", "x:a1:b", "1:起1:b", "-1:a"] {
            assert_eq!(read(damaged), None, "{damaged:?}");
        }
    }
}

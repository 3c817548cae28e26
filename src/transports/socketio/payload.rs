//! What the answer to a poll carries: packets, one after the other. Engine.IO 4 puts U+001E between them, Engine.IO 3 writes
//! each one's length before it, in UTF-16 units.

const SEPARATOR: u8 = 0x1e;

/// How many of the packets in `payload` are events or acknowledgements of Socket.IO.
pub(super) fn events(engine: u8, payload: &[u8]) -> u64 {
    let count = match engine {
        3 => packets_of_3(payload)
            .filter(|packet| is_event(packet))
            .count(),
        _ => payload
            .split(|byte| *byte == SEPARATOR)
            .filter(|packet| is_event(packet))
            .count(),
    };
    count as u64
}

/// Whether an Engine.IO packet is a message (4) with an event (2) or an acknowledgement (3).
pub(super) fn is_event(packet: &[u8]) -> bool {
    packet.starts_with(b"42") || packet.starts_with(b"43")
}

fn packets_of_3(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    // We send no attachments, so what is said here is always the textual form.
    let mut left = std::str::from_utf8(payload).unwrap_or_default();
    std::iter::from_fn(move || {
        let (units, rest) = left.split_once(':')?;
        let mut units: usize = units.parse().ok()?;
        let end = rest.char_indices().find(|(_, letter)| match units {
            0 => true,
            _ => {
                units = units.saturating_sub(letter.len_utf16());
                false
            }
        });
        let (packet, rest) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
        left = rest;
        Some(packet.as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_in_both_forms() {
        for (engine, payload, count) in [
            (4, "", 0),
            (4, "2", 0),
            (4, "40{\"sid\":\"x\"}", 0),
            (
                4,
                "42[\"a\"]\u{1e}2\u{1e}43/friend,1[]\u{1e}41\u{1e}42[\"42\"]",
                3,
            ),
            (3, "", 0),
            (3, "1:2", 0),
            (3, "2:407:42[\"a\"]1:3", 1),
            // An emoji is two units, an umlaut and a Chinese letter are one.
            (3, "11:42[\"😀4:2\"]7:42[\"ä\"]7:43[\"来\"]2:41", 3),
        ] {
            assert_eq!(events(engine, payload.as_bytes()), count, "{payload}");
        }
    }
}

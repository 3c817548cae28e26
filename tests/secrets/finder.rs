//! Finds a secret in a text, in whatever form it was written down.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

/// The forms that a secret may take in a text.
fn forms(secret: &[u8]) -> Vec<String> {
    let each = |form: &dyn Fn(&u8) -> String| secret.iter().map(form).collect::<String>();
    let unreserved = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let percent = |byte: &u8| match byte {
        byte if unreserved(byte) => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    let plus = |byte: &u8| match byte {
        b' ' => "+".to_owned(),
        byte => percent(byte),
    };
    let list: Vec<String> = secret.iter().map(u8::to_string).collect();
    let mut forms = vec![
        each(&percent),
        each(&percent).to_lowercase(),
        each(&plus),
        each(&|byte| format!("%{byte:02X}")),
        each(&|byte| format!("%{byte:02x}")),
        each(&|byte| format!("{byte:02x}")),
        each(&|byte| format!("{byte:02X}")),
        secret.escape_ascii().to_string(),
        list.join(", "),
        list.join(","),
    ];
    if let Ok(text) = std::str::from_utf8(secret) {
        let units = |unit: u16| format!("\\u{unit:04x}");
        let json = json!(text).to_string();
        let debug = format!("{text:?}");
        let ascii: String = text
            .chars()
            .map(|c| match c {
                c if c.is_ascii() => {
                    let json = json!(c.to_string()).to_string();
                    json[1..json.len() - 1].to_owned()
                }
                c => c
                    .encode_utf16(&mut [0; 2])
                    .iter()
                    .copied()
                    .map(units)
                    .collect(),
            })
            .collect();
        forms.extend([
            text.to_owned(),
            json[1..json.len() - 1].to_owned(),
            debug[1..debug.len() - 1].to_owned(),
            ascii,
            text.encode_utf16().map(units).collect(),
        ]);
    }
    // In base64 it depends on what stands before it; the letters at both ends are shared with the neighbours.
    for before in 0..3 {
        let bytes = [&vec![0; before], secret].concat();
        for base64 in [
            STANDARD_NO_PAD.encode(&bytes),
            URL_SAFE_NO_PAD.encode(&bytes),
        ] {
            let first = (before * 8).div_ceil(6);
            let last = bytes.len() * 8 / 6;
            forms.push(base64[first..last].to_owned());
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

/// The form in which the secret is in the text.
pub fn found(secret: &[u8], text: &str) -> Option<String> {
    assert!(secret.len() >= 8, "too short to be told from chance");
    forms(secret).into_iter().find(|form| text.contains(form))
}

#[test]
fn it_finds_every_form() {
    let secret = "起来 \"a+b/c\"\n\\d?~ÿ1:7";
    let json = json!({ "content": secret }).to_string();
    let again = json!(format!("x{secret}y")).to_string();
    let bytes = secret.as_bytes();
    let mut written = vec![
        format!("before {secret} after"),
        json,
        again,
        format!("{:?}", Some(secret)),
        format!("{bytes:?}"),
        format!("b\"{}\"", bytes.escape_ascii()),
        "%E8%B5%B7%E6%9D%A5%20%22a%2Bb%2Fc%22%0A%5Cd%3F~%C3%BF1%3A7".to_owned(),
        "%e8%b5%b7%e6%9d%a5%20%22a%2bb%2fc%22%0a%5cd%3f~%c3%bf1%3a7".to_owned(),
        "%E8%B5%B7%E6%9D%A5+%22a%2Bb%2Fc%22%0A%5Cd%3F~%C3%BF1%3A7".to_owned(),
        r#"\u8d77\u6765 \"a+b/c\"\n\\d?~\u00ff1:7"#.to_owned(),
        bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    ];
    for around in ["", "a", "ab", "abc"] {
        let text = format!("{around}{secret}{around}");
        written.push(STANDARD_NO_PAD.encode(&text));
        written.push(URL_SAFE_NO_PAD.encode(&text));
    }
    for text in written {
        assert!(found(bytes, &text).is_some(), "{text}");
    }
    assert_eq!(found(bytes, "起来 a+b/c d?~ÿ1:7"), None);
    assert_eq!(found(bytes, ""), None);
    let key = [0xff, 0, 0x80, 1, 2, 3, 4, 5, 6, 7];
    assert!(found(&key, "ff008001020304050607").is_some());
    assert!(found(&key, "/wCAAQIDBAUGBw==").is_some());
}

//! What the program says before it serves.

use crate::secrets::finder::found;
use crate::support::running::command;

const SECRET: &str = "open-sesame-and-no-other-word";

#[test]
fn neither_help_nor_a_refusal_tells_a_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let file = folder.path().join("options.toml");
    let with_user = format!("http://operator:{SECRET}@chat.example/hook");
    let not_http = format!("ftp://chat.example/hook?key={SECRET}");
    let spaced = format!("{SECRET} {SECRET}");
    for (variable, value) in [
        ("HONGYAN_API_KEY", SECRET),
        (
            "HONGYAN_WEBHOOK",
            &format!("http://chat.example/hook?key={SECRET}"),
        ),
    ] {
        for arguments in [&["--help"][..], &["serve", "--help"], &["bench", "--help"]] {
            let mut asked = command(&data, &[]);
            asked.args(arguments).env(variable, value);
            told(asked, 0);
        }
    }
    for (option, value) in [
        ("api-key", &*spaced),
        ("webhook", &with_user),
        ("webhook", &not_http),
    ] {
        let flag = format!("--{option}");
        told(command(&data, &[&flag, value]), 2);
        let mut by_variable = command(&data, &[]);
        let name = option.to_uppercase().replace('-', "_");
        by_variable.env(format!("HONGYAN_{name}"), value);
        told(by_variable, 2);
        for line in [
            format!("{option} = \"{value}\""),
            format!("{option} = [\"{value}"),
            format!("{option} = {{ key = \"{value}\" }}"),
        ] {
            std::fs::write(&file, line).expect("a place");
            let path = file.to_str().expect("a path");
            told(command(&data, &["--config", path]), 2);
        }
    }
    let mut added = command(&data, &["user", "add", "l/i", "--password", SECRET]);
    assert!(!tell(&mut added).success());
}

fn told(mut command: std::process::Command, code: i32) {
    assert_eq!(tell(&mut command).code(), Some(code), "{command:?}");
}

/// It says something, and nothing secret.
fn tell(command: &mut std::process::Command) -> std::process::ExitStatus {
    let output = command.output().expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).expect("text");
    assert!(!said.is_empty(), "{command:?}");
    assert_eq!(found(SECRET.as_bytes(), &said), None, "{command:?}: {said}");
    output.status
}

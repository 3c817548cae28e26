//! Options from flags, environment and file: who beats whom, and what is said about a wrong one.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;

use hongyan::config::AllowOrigins;
use hongyan::config::Cli;
use hongyan::config::Command;
use hongyan::config::Password;
use hongyan::config::Registration;
use hongyan::config::ServeOptions;
use hongyan::config::Stop;
use hongyan::config::StoreUrl;

fn load(args: &str, environment: &[(&str, &str)]) -> Result<Cli, Stop> {
    let args = std::iter::once("hongyan").chain(args.split_whitespace());
    let environment: HashMap<_, _> = environment.iter().copied().collect();
    let variable = |name: &str| environment.get(name).map(OsString::from);
    Cli::load(args.map(OsString::from), variable)
}

fn serve(args: &str, environment: &[(&str, &str)]) -> ServeOptions {
    match load(args, environment).map(|cli| cli.command) {
        Ok(Command::Serve(options)) => *options,
        Ok(_) => panic!("{args:?} does not serve"),
        Err(stop) => panic!("{args:?}: {}", stop.text),
    }
}

/// The one line about what is wrong.
fn refusal(args: &str, environment: &[(&str, &str)]) -> String {
    let stop = load(args, environment).err();
    let stop = stop.unwrap_or_else(|| panic!("{args:?} {environment:?} was taken"));
    assert_eq!(stop.code, 2, "{args:?}: {}", stop.text);
    assert_eq!(stop.text.lines().count(), 1, "{:?}", stop.text);
    stop.text
}

fn file(dir: &Path, text: &str) -> String {
    let path = dir.join("hongyan.toml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn nothing_said_means_the_defaults() {
    let cli = load("", &[]).ok().unwrap();
    assert_eq!(cli.data, PathBuf::from("./hongyan-data"));
    assert_eq!((cli.store, &*cli.log), (StoreUrl::Sqlite, "info"));
    let options = serve("", &[]);
    assert_eq!(options.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(options.stomp_listen, None);
    assert_eq!((options.tls_cert, options.tls_key), (None, None));
    assert_eq!(options.context_path, "");
    assert_eq!(
        (options.max_connections, options.message_rate),
        (100_000, 100)
    );
    assert_eq!(
        (options.max_frame, options.max_content),
        (1 << 20, 64 << 10)
    );
    assert_eq!(options.drain_s, 10);
    assert_eq!((options.jwt_key, options.api_keys), (None, vec![]));
    assert_eq!((options.friends_only, options.trust_login), (false, false));
    assert_eq!(options.webhook, None);
}

#[test]
fn a_flag_beats_the_variable_beats_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let config = file(
        dir.path(),
        "listen = '127.0.0.3:3'\napi-key = ['key-of-the-file-1', 'key-of-the-file-2']",
    );
    let by_flag = format!("--config {config}");
    let by_variable = [("HONGYAN_CONFIG", &*config)];
    let with = |key, value| [by_variable[0], (key, value)];

    let listen = |args: &str, environment: &[_]| serve(args, environment).listen.port();
    assert_eq!(listen(&by_flag, &[]), 3);
    assert_eq!(listen("", &by_variable), 3);
    assert_eq!(listen("", &with("HONGYAN_LISTEN", "127.0.0.2:2")), 2);
    assert_eq!(
        listen("", &with("HONGYAN_LISTEN", "")),
        3,
        "empty is absent"
    );
    let all = with("HONGYAN_LISTEN", "127.0.0.2:2");
    assert_eq!(listen("--listen 127.0.0.1:1", &all), 1);
    assert_eq!(listen("serve --listen 127.0.0.1:1", &all), 1);
    assert_eq!(listen("--listen 127.0.0.1:1 serve", &all), 1);

    // Repeatable ones are replaced, not added to.
    let keys = |args: &str, environment: &[_]| serve(args, environment).api_keys;
    assert_eq!(
        keys("", &by_variable),
        ["key-of-the-file-1", "key-of-the-file-2"]
    );
    let two = with(
        "HONGYAN_API_KEY",
        "key-of-the-variable-1,key-of-the-variable-2",
    );
    assert_eq!(
        keys("", &two),
        ["key-of-the-variable-1", "key-of-the-variable-2"]
    );
    let args = "--api-key key-of-the-flag-1 --api-key key-of-the-flag-2";
    assert_eq!(keys(args, &two), ["key-of-the-flag-1", "key-of-the-flag-2"]);
}

#[test]
fn the_file_has_types() {
    let dir = tempfile::tempdir().unwrap();
    let config = file(
        dir.path(),
        "max-connections = 7\nmax-frame = '2MiB'\nmax-content = 4096\nallow-origin = 'https://A.example'\n\
         registration = 'closed'\njwt-key = '/k'\nlog = 'warn,hongyan=debug'\ndata = '/d'",
    );
    let config = format!("--config {config}");
    let options = serve(&config, &[]);
    assert_eq!(options.max_connections, 7);
    assert_eq!((options.max_frame, options.max_content), (2 << 20, 4096));
    assert_eq!(options.allow_origins, ["https://a.example"]);
    assert_eq!(options.registration, Some(Registration::Closed));
    assert_eq!(options.jwt_key, Some(PathBuf::from("/k")));
    let cli = load(&config, &[]).ok().unwrap();
    assert_eq!(
        (cli.data, &*cli.log),
        (PathBuf::from("/d"), "warn,hongyan=debug")
    );
}

#[test]
fn a_wrong_value_is_named_with_what_is_allowed() {
    for (key, value, allowed) in [
        ("listen", "8080", "127.0.0.1:8080"),
        ("stomp-listen", "off", "127.0.0.1:8080"),
        ("context-path", "Mimi", "/Mimi"),
        ("store", "mysql://db", "sqlite:"),
        ("registration", "maybe", "open, closed"),
        ("allow-origin", "chat.example", "https://chat.example"),
        ("max-connections", "0", "from 1 to 10000000"),
        ("max-connections", "-1", "from 1 to 10000000"),
        ("max-frame", "1GiB", "from 1024 to 67108864 bytes"),
        ("max-content", "many", "64KiB"),
        ("message-rate", "1.5", "from 1 to 1000000"),
        ("drain", "3601", "from 0 to 3600"),
        ("log", "=,=", "debug"),
        ("api-key", "a\u{e9}b", "visible ASCII"),
    ] {
        let option = format!("--{key}");
        let variable = format!("HONGYAN_{}", key.replace('-', "_").to_uppercase());
        let dir = tempfile::tempdir().unwrap();
        let config = file(dir.path(), &format!("{key} = '{value}'"));
        let by_file = refusal(&format!("--config {config}"), &[]);
        assert!(
            by_file.contains(&format!("({key} in {config})")),
            "{by_file}"
        );
        let by_variable = refusal("", &[(&variable, value)]);
        assert!(
            by_variable.contains(&format!("({variable})")),
            "{by_variable}"
        );
        let by_flag = refusal(&format!("{option}={value}"), &[]);
        for line in [by_flag, by_variable, by_file] {
            assert!(line.starts_with(&option), "{line}");
            assert!(line.contains("allowed") && line.contains(allowed), "{line}");
            // A secret is not repeated.
            assert_eq!(line.contains(value), key != "api-key", "{line}");
        }
    }
}

#[test]
fn a_certificate_and_its_key_come_together() {
    let variable = ("HONGYAN_TLS_KEY", "/k");
    let options = serve("--tls-cert /c", &[variable]);
    let both = (Some("/c".into()), Some("/k".into()));
    assert_eq!((options.tls_cert, options.tls_key), both);
    for (line, other) in [
        (refusal("--tls-cert /c", &[]), "--tls-key"),
        (refusal("", &[variable]), "--tls-cert"),
    ] {
        assert!(line.starts_with("--tls-") && line.contains(other), "{line}");
        assert!(line.contains("allowed are both"), "{line}");
    }
}

#[test]
fn a_wrong_value_is_found_though_a_flag_hides_it() {
    let line = refusal("--listen 127.0.0.1:1", &[("HONGYAN_LISTEN", "x")]);
    assert!(line.contains("HONGYAN_LISTEN"), "{line}");
}

#[test]
fn a_wrong_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    for (text, parts) in [
        (
            "max_frame = 1",
            &["\"max_frame\"", "allowed", "max-frame", "api-key"][..],
        ),
        ("config = 'x'", &["\"config\"", "allowed"]),
        (
            "[serve]\nlisten = 'x'",
            &["\"serve\"", "allowed", "strings"],
        ),
        ("drain = 1.5", &["\"drain\"", "allowed", "whole numbers"]),
        (
            "listen = ['127.0.0.1:1']",
            &["--listen", "array", "one value"],
        ),
        ("drain = 1\nlisten = ", &["not TOML", "line 2"]),
        ("drain = 1\ndrain = 2", &["not TOML", "line 2"]),
        ("drain = -1", &["--drain", "\"-1\"", "from 0 to 3600"]),
        ("drain = true", &["--drain", "\"true\"", "from 0 to 3600"]),
    ] {
        let config = file(dir.path(), text);
        let line = refusal(&format!("--config {config}"), &[]);
        for part in parts.iter().chain([&&*config]) {
            assert!(line.contains(part), "{part:?} in {line:?}");
        }
    }
    let line = refusal("--config /no/such.toml check", &[]);
    assert!(line.contains("/no/such.toml cannot be read"), "{line}");
}

#[test]
fn other_mistakes_are_one_line_too() {
    for (args, part) in [
        ("--listne x", "--listne"),
        ("--listen", "--listen"),
        ("--data=", "--data"),
        ("srve", "srve"),
        ("user", "subcommand"),
        ("user add", "<NAME>"),
        ("token", "<NAME>"),
        ("backup", "<FILE>"),
        ("backup a b", "'b'"),
        (
            "--api-key 0123456789abcdef serve --api-key fedcba9876543210",
            "before and after",
        ),
        (
            "user add li --password x --password-stdin",
            "--password-stdin",
        ),
        ("--listen localhost:1 --listen localhost:2", "--listen"),
    ] {
        let line = refusal(args, &[]);
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[test]
fn commands_are_read_with_common_options_on_either_side() {
    let add = |password| Command::UserAdd {
        name: "li".into(),
        password,
    };
    let name = "li".into();
    let file = "copy.db".into();
    for (args, command) in [
        ("user add li", add(Password::None)),
        (
            "user add li --password 12345678",
            add(Password::Given("12345678".into())),
        ),
        ("user add --password-stdin li", add(Password::Stdin)),
        ("token li", Command::Token { name }),
        ("check", Command::Check),
        ("backup copy.db", Command::Backup { file }),
    ] {
        for args in [
            format!("--data /d --log off {args}"),
            format!("{args} --log off --data /d"),
        ] {
            let cli = load(&args, &[]).unwrap_or_else(|stop| panic!("{args}: {}", stop.text));
            assert!(cli.command == command, "{args}");
            assert_eq!((cli.data, &*cli.log), (PathBuf::from("/d"), "off"));
        }
    }
}

#[test]
fn what_is_open_depends_on_who_can_ask() {
    let at_home = serve("--listen [::1]:0", &[]);
    assert!(at_home.registration_open());
    assert_eq!(at_home.origins(), AllowOrigins::Any);
    let outside = serve("--listen 0.0.0.0:0", &[]);
    assert!(!outside.registration_open());
    assert_eq!(outside.origins(), AllowOrigins::SameOnly);
    assert!(serve("--listen 0.0.0.0:0 --registration open", &[]).registration_open());
    assert!(!serve("--registration closed", &[]).registration_open());
    let named = serve("--allow-origin HTTPS://A.example:443,http://b:3000", &[]);
    let list = vec!["https://a.example".into(), "http://b:3000".into()];
    assert_eq!(named.origins(), AllowOrigins::List(list));
}

/// The keys of the example, in its order.
fn example() -> (String, Vec<String>) {
    let text = include_str!("../hongyan.toml");
    let set = |line: &&str| {
        let out = line.starts_with('#') && !line.starts_with("# ");
        out && (line.contains(" = ") || line.starts_with("#[["))
    };
    let lines: Vec<&str> = text.lines().filter(set).map(|line| &line[1..]).collect();
    let key = |line: &&str| line.split(" = ").next().unwrap().to_owned();
    // Permits stand at the end, and are no options.
    let options = lines.iter().take_while(|line| !line.starts_with('['));
    (lines.join("\n"), options.map(key).collect())
}

#[test]
fn help_lists_every_option_with_its_variable_and_default() {
    for args in ["--help", "-h", "serve --help", "help"] {
        // A wrong environment is no reason to refuse help.
        let help = load(args, &[("HONGYAN_LISTEN", "x")]).err().unwrap();
        assert_eq!(help.code, 0);
        for key in example().1.iter().map(String::as_str).chain(["config"]) {
            let variable = key.replace('-', "_").to_uppercase();
            let switch = ["friends-only", "trust-login"].contains(&key);
            let value = if switch { "[=<true|false>]" } else { " <" };
            assert!(help.text.contains(&format!("--{key}{value}")), "{key}");
            assert!(
                help.text.contains(&format!("[env: HONGYAN_{variable}]")),
                "{key}"
            );
        }
        for default in [
            "127.0.0.1:8080",
            "./hongyan-data",
            "sqlite:",
            "1MiB",
            "64KiB",
            "100000",
            "10",
            "info",
        ] {
            assert!(
                help.text.contains(&format!("[default: {default}]")),
                "{default}"
            );
        }
    }
    let check = load("check --help", &[]).err().unwrap();
    assert!(check.text.contains("--data") && !check.text.contains("--listen"));
    let version = load("--version", &[]).err().unwrap();
    assert_eq!(
        (version.code, &*version.text),
        (0, concat!("hongyan ", env!("CARGO_PKG_VERSION"), "\n"))
    );
}

#[test]
fn the_example_file_sets_every_key_to_its_default() {
    let dir = tempfile::tempdir().unwrap();
    let (text, keys) = example();
    let config = format!("--config {}", file(dir.path(), &text));
    let mut options = serve(&config, &[]);
    let cli = load(&config, &[]).ok().unwrap();
    let plain = load("", &[]).ok().unwrap();
    assert_eq!(
        (cli.data, cli.store, cli.log),
        (plain.data, plain.store, plain.log)
    );
    // Those without a default.
    assert_eq!(options.registration.take(), Some(Registration::Closed));
    assert!(options.stomp_listen.take().is_some());
    assert!(options.tls_cert.take().is_some() && options.tls_key.take().is_some());
    assert!(options.jwt_key.take().is_some());
    assert!(options.webhook.take().is_some());
    assert_eq!(std::mem::take(&mut options.api_keys).len(), 1);
    assert_eq!(std::mem::take(&mut options.allow_origins).len(), 2);
    assert_eq!(std::mem::take(&mut options.permits).len(), 2);
    assert!(options == serve("", &[]));

    let line = refusal(&format!("--config {}", file(dir.path(), "nokey = 1")), &[]);
    let (_, allowed) = line.split_once("allowed are ").unwrap();
    let mut allowed: Vec<&str> = allowed.split(", ").collect();
    let mut keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    allowed.sort_unstable();
    keys.sort_unstable();
    assert_eq!(allowed, keys);
}

#[test]
fn permits_stand_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let config = |text: &str| format!("--config {}", file(dir.path(), text));
    let two =
        "drain = 3\n[[permit]]\nusers = [\"*\"]\nread = [\"/topic/a\"]\n[[permit]]\nusers = []\n";
    let options = serve(&config(two), &[]);
    assert_eq!((options.drain_s, options.permits.len()), (3, 2));
    assert_eq!(options.permits[0].users, ["*"]);
    assert_eq!(options.permits[0].read, ["/topic/a"]);
    assert_eq!(options.permits[0].write, [""; 0]);
    for (wrong, said) in [
        ("permit = 1", "allowed is [[permit]]"),
        ("permit = [1]", "is no table"),
        ("[[permit]]", "without users"),
        ("[[permit]]\nusers = \"li\"", "wrong \"users\""),
        ("[[permit]]\nusers = [1]", "allowed is an array of strings"),
        ("[[permit]]\nuser = []", "allowed are users, read and write"),
    ] {
        let line = refusal(&config(wrong), &[]);
        assert!(line.contains(said), "{line}");
    }
}

#[test]
fn a_switch_stands_alone_or_says_true_or_false() {
    let dir = tempfile::tempdir().unwrap();
    let config = file(dir.path(), "friends-only = true\ntrust-login = true");
    let config = format!("--config {config}");
    let friends_only = |args: &str, environment: &[_]| serve(args, environment).friends_only;
    assert!(friends_only("--friends-only", &[]));
    assert!(friends_only("--friends-only serve", &[]));
    assert!(friends_only("serve --friends-only --trust-login", &[]));
    assert!(friends_only("", &[("HONGYAN_FRIENDS_ONLY", "true")]));
    assert!(friends_only(&config, &[]));
    assert!(!friends_only(
        &format!("{config} --friends-only=false"),
        &[]
    ));
    assert!(!friends_only(&config, &[("HONGYAN_FRIENDS_ONLY", "false")]));
    assert!(serve(&config, &[]).trust_login);
    for (args, environment) in [
        ("--friends-only=maybe", &[][..]),
        ("", &[("HONGYAN_FRIENDS_ONLY", "1")]),
    ] {
        let line = refusal(args, environment);
        assert!(line.contains("true or false"), "{line}");
    }
}

#[test]
fn everybody_is_trusted_only_where_nobody_else_can_reach() {
    for listen in ["127.0.0.1:0", "[::1]:0", "localhost:0", "127.9.9.9:1"] {
        assert!(serve(&format!("--trust-login --listen {listen}"), &[]).trust_login);
    }
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let line = refusal(&format!("--listen {listen} --trust-login"), &[]);
        assert!(
            line.contains("--trust-login") && line.contains(listen),
            "{line}"
        );
        assert!(line.contains("127.0.0.1:8080"), "{line}");
    }
}

#[test]
fn a_webhook_is_a_whole_url() {
    let url = "https://chat.example/hook?a=1";
    let options = serve(&format!("--webhook {url}"), &[]);
    assert_eq!(
        options.webhook.map(|url| url.to_string()).as_deref(),
        Some(url)
    );
    for url in [
        "chat.example/hook",
        "ftp://chat.example/",
        "https://a:b@chat.example/",
    ] {
        let line = refusal(&format!("--webhook {url}"), &[]);
        assert!(
            line.contains("--webhook") && line.contains("https://HOST/PATH"),
            "{line}"
        );
    }
}

//! What a CONNECT says: the versions, the heart-beat, and who is there.

use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Version;

use crate::gateways::Credentials;
use crate::gateways::stomp::heartbeat::Wish;
use crate::gateways::stomp::refusal::Fault;

/// A CONNECT (or STOMP) frame that can be answered once its credentials are known to be good.
#[derive(Debug)]
pub(super) struct Connect {
    pub(super) version: Version,
    pub(super) wish: Wish,
    pub(super) receipt: Option<String>,
}

/// Reads it. `subprotocol` is the version that the WebSocket handshake settled on.
pub(super) fn read(frame: &Frame, subprotocol: Option<Version>) -> Result<Connect, Fault> {
    let accepted = frame.headers.get("accept-version");
    let best = Version::negotiate(accepted).ok_or_else(|| {
        Fault::new(
            "unsupported-version",
            "this broker speaks STOMP 1.0, 1.1 and 1.2",
        )
    })?;
    // The subprotocol's version wins where CONNECT accepts it too: clients check that the two are equal.
    let version = subprotocol
        .filter(|offered| {
            accepted.is_some_and(|list| list.split(',').any(|one| one.trim() == offered.as_str()))
        })
        .unwrap_or(best);
    let wish = match frame.headers.get("heart-beat") {
        None => Wish::default(),
        Some(text) => Wish::parse(text).ok_or_else(|| {
            Fault::new(
                "malformed-frame",
                "heart-beat must be two numbers of milliseconds, such as 10000,10000",
            )
        })?,
    };
    Ok(Connect {
        version,
        wish,
        receipt: frame.headers.get("receipt").map(str::to_owned),
    })
}

/// Who the frame says is there (CONTRACT section 4): a token in `srect`, in `Authorization`, or in `passcode` with an empty
/// `login`; or a name and a password.
pub(super) fn credentials(frame: &Frame) -> Option<Credentials> {
    let header = |name| {
        frame
            .headers
            .get(name)
            .filter(|value: &&str| !value.is_empty())
    };
    let token = |text: &str| Some(Credentials::Token(text.to_owned()));
    if let Some(srect) = header("srect") {
        return token(srect);
    }
    if let Some(bearer) = header("Authorization").or_else(|| header("authorization")) {
        return token(crate::gateways::bearer(bearer)?);
    }
    let passcode = header("passcode")?;
    match header("login") {
        None => token(passcode),
        Some(login) => Some(Credentials::Password {
            name: login.to_owned(),
            password: passcode.to_owned(),
        }),
    }
}

//! Requests that are none, or that could be read in two ways.

use crate::bystander::Bystanders;
use crate::house::House;
use crate::malformed::PROMISE;
use crate::raw;
use crate::raw::statuses;
use crate::support::fire::Attack;
use crate::support::people;

/// Requests that are none, or that servers on their way might read in two ways: what they are answered. After the last of
/// these nothing that follows in the same bytes is taken for a request.
const REQUESTS: &[(&str, &str, &[u16])] = &[
    (
        "two lengths",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}   \r\n",
        &[400],
    ),
    (
        "a list of lengths",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2, 2\r\n\r\n{}",
        &[400],
    ),
    (
        "a negative length",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}",
        &[400],
    ),
    (
        "a signed length",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n{}",
        &[400],
    ),
    (
        "a length in hex",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 0x2\r\n\r\n{}",
        &[400],
    ),
    (
        "no length at all",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n{}",
        &[400],
    ),
    (
        "2^64 bytes",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551616\r\n\r\n{}",
        &[400],
    ),
    (
        "2^64 - 1 bytes",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551615\r\n\r\n{}",
        &[431],
    ),
    (
        "more than is sent",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{}",
        &[400],
    ),
    (
        "2^40 bytes",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1099511627776\r\n\r\n{}",
        &[400],
    ),
    (
        "less than is sent",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n{}",
        &[400, 400],
    ),
    (
        "a length and chunks",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "chunks and a length",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "chunks that are none",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "chunks not last",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "a space before the colon",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "chunks in HTTP/1.0",
        "POST /api/login HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "a chunk of zz",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "a chunk of 2^68",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff0\r\n{}\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "a chunk of -1",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "a chunk too short",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
        &[400],
    ),
    (
        "a folded header",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: a\r\n b\r\n\r\n",
        &[400],
    ),
    (
        "a header without a name",
        "GET /healthz HTTP/1.1\r\nHost: x\r\n: a\r\n\r\n",
        &[400],
    ),
    (
        "a header without a colon",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nabc\r\n\r\n",
        &[400],
    ),
    (
        "a NUL in a header",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n\r\n",
        &[400],
    ),
    (
        "a CR in a header",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: a\rX-B: c\r\n\r\n",
        &[400],
    ),
    (
        "an escape in a header",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: \u{1b}[31m\r\n\r\n",
        &[400],
    ),
    ("no host", "GET /healthz HTTP/1.1\r\n\r\n", &[400]),
    (
        "two hosts",
        "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        &[400],
    ),
    ("HTTP/0.9", "GET /healthz\r\n\r\n", &[400]),
    (
        "HTTP/3.0",
        "GET /healthz HTTP/3.0\r\nHost: x\r\n\r\n",
        &[400],
    ),
    ("no method", " /healthz HTTP/1.1\r\nHost: x\r\n\r\n", &[400]),
    (
        "a method of signs",
        "G(T /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        &[400],
    ),
    (
        "an unknown method",
        "BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        &[405],
    ),
    (
        "a tunnel",
        "CONNECT evil.example:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        &[404],
    ),
    (
        "the whole server",
        "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        &[404],
    ),
    (
        "two slashes",
        "GET //api/inbox HTTP/1.1\r\nHost: x\r\n\r\n",
        &[404],
    ),
    (
        "a dot",
        "GET /./api/inbox HTTP/1.1\r\nHost: x\r\n\r\n",
        &[404],
    ),
    (
        "two dots",
        "GET /x/../api/inbox HTTP/1.1\r\nHost: x\r\n\r\n",
        &[404],
    ),
    (
        "an encoded slash",
        "GET /api%2finbox HTTP/1.1\r\nHost: x\r\n\r\n",
        &[404],
    ),
    (
        "an encoded dot",
        "GET /%2e/api/inbox HTTP/1.1\r\nHost: x\r\n\r\n",
        &[404],
    ),
    (
        "half an escape",
        "GET /api/users/% HTTP/1.1\r\nHost: x\r\n\r\n",
        &[404],
    ),
    (
        "a parameter",
        "GET /api/inbox;x=1 HTTP/1.1\r\nHost: x\r\n\r\n",
        &[404],
    ),
    (
        "a method in a header",
        "POST /api/inbox HTTP/1.1\r\nHost: x\r\nX-HTTP-Method-Override: GET\r\nContent-Length: 0\r\n\r\n",
        &[405],
    ),
    (
        "a path in a header",
        "GET /nowhere HTTP/1.1\r\nHost: x\r\nX-Original-URL: /healthz\r\nX-Rewrite-URL: /healthz\r\n\r\n",
        &[404],
    ),
    (
        "an address in a header",
        "GET /api/inbox HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\n\r\n",
        &[401],
    ),
    (
        "a user in a header",
        "GET /api/inbox HTTP/1.1\r\nHost: x\r\nX-Forwarded-User: user-1\r\nRemote-User: user-1\r\nCookie: srect=x; token=x\r\n\r\n",
        &[401],
    ),
    (
        "a bad token before one",
        "GET /api/inbox HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer bad\r\nAuthorization: Bearer GOOD\r\n\r\n",
        &[401],
    ),
    (
        "the token in the URL",
        "GET /api/inbox?srect=GOOD&token=GOOD&access_token=GOOD HTTP/1.1\r\nHost: x\r\n\r\n",
        &[401],
    ),
    (
        "the token as Basic",
        "GET /api/inbox HTTP/1.1\r\nHost: x\r\nAuthorization: Basic GOOD\r\n\r\n",
        &[401],
    ),
    (
        "an empty key",
        "POST /api/push HTTP/1.1\r\nHost: x\r\nX-Api-Key:\r\nContent-Length: 2\r\n\r\n{}",
        &[401],
    ),
    (
        "a part of the key",
        "POST /api/push HTTP/1.1\r\nHost: x\r\nX-Api-Key: the-key-of-a-serve\r\nContent-Length: 2\r\n\r\n{}",
        &[401],
    ),
    (
        "more than the key",
        "POST /api/push HTTP/1.1\r\nHost: x\r\nX-Api-Key: the-key-of-a-server1\r\nContent-Length: 2\r\n\r\n{}",
        &[401],
    ),
    (
        "the key in capitals",
        "POST /api/push HTTP/1.1\r\nHost: x\r\nX-Api-Key: THE-KEY-OF-A-SERVER\r\nContent-Length: 2\r\n\r\n{}",
        &[401],
    ),
    (
        "a wrong key and a token",
        "POST /api/messages HTTP/1.1\r\nHost: x\r\nX-Api-Key: wrong\r\nAuthorization: Bearer GOOD\r\nContent-Length: 2\r\n\r\n{}",
        &[401],
    ),
    (
        "a compressed body",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\u{1f}\u{8}\0\0",
        &[400, 404],
    ),
    (
        "an upgrade to HTTP/2",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n",
        &[200, 404],
    ),
    ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[]),
];

/// What would be answered 404 if it were taken for a request.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn what_is_no_request_is_refused_and_nothing_is_smuggled() {
    let mut attack = Attack::on(
        "abuse-requests",
        PROMISE,
        "`tests/abuse/requests.rs`, `what_is_no_request_is_refused_and_nothing_is_smuggled`",
    );
    let house = House::open(&["--api-key", "the-key-of-a-server"]);
    house.know([1]).await;
    let bystanders = Bystanders::begin(&house).await;
    let mut wrong = Vec::new();
    for (name, request, expected) in REQUESTS {
        let request = request.replace("GOOD", &people::token(1));
        let ends = !expected
            .first()
            .is_some_and(|first| [401, 404, 405].contains(first));
        let bytes = match ends {
            true => format!("{request}{SMUGGLED}"),
            false => request.replacen("Host: x\r\n", "Host: x\r\nConnection: close\r\n", 1),
        };
        // Where a body is announced that does not come, only the end of the connection ends it; it may be too late to be told.
        let waits = request.contains(": 100\r\n") || request.contains(": 1099511627776\r\n");
        let answer = match waits {
            true => raw::last_words(house.address(), bytes.as_bytes()).await,
            false => raw::answer(house.address(), bytes.as_bytes()).await,
        };
        let told = statuses(&answer);
        if told != *expected && !(waits && told.is_empty()) {
            wrong.push(format!("{name}: {told:?}, not {expected:?}: {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    bystanders.end(&house, &mut attack).await;
    attack.count("requests that are none", REQUESTS.len() as u64);
    attack.repelled();
}

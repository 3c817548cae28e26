//! Transactions of one session: what waits between BEGIN and COMMIT, within bounds.

use crate::gateways::stomp::refusal::Fault;
use crate::gateways::stomp::request::Request;

/// Most transactions open at once in a session.
const OPEN_MAX: usize = 16;

/// Most frames in one transaction.
const FRAMES_MAX: usize = 1_024;

/// Most bytes of headers and bodies in all open transactions of a session.
const BYTES_MAX: usize = 8 * 1024 * 1024;

#[derive(Debug)]
struct Transaction {
    name: String,
    requests: Vec<Request>,
    bytes: usize,
}

/// The open transactions.
#[derive(Debug, Default)]
pub(super) struct Transactions(Vec<Transaction>);

impl Transactions {
    /// BEGIN.
    pub(super) fn begin(&mut self, name: &str) -> Result<(), Fault> {
        if self.0.iter().any(|open| open.name == name) {
            return Err(bad(format!(
                "the transaction {name} is open already; COMMIT or ABORT it first"
            )));
        }
        if self.0.len() >= OPEN_MAX {
            return Err(Fault::limit(
                "bad-transaction",
                "open transactions",
                OPEN_MAX,
            ));
        }
        self.0.push(Transaction {
            name: name.to_owned(),
            requests: Vec::new(),
            bytes: 0,
        });
        Ok(())
    }

    /// Keeps a request, whose frame has `bytes`, for the COMMIT.
    pub(super) fn add(&mut self, name: &str, request: Request, bytes: usize) -> Result<(), Fault> {
        let bytes_before: usize = self.0.iter().map(|open| open.bytes).sum();
        let open = self.0.iter_mut().find(|open| open.name == name);
        let open = open.ok_or_else(|| not_open(name))?;
        if open.requests.len() >= FRAMES_MAX {
            return Err(Fault::limit(
                "bad-transaction",
                "frames in one transaction",
                FRAMES_MAX,
            ));
        }
        if bytes_before + bytes > BYTES_MAX {
            return Err(Fault::limit(
                "bad-transaction",
                "bytes in open transactions",
                BYTES_MAX,
            ));
        }
        open.bytes += bytes;
        open.requests.push(request);
        Ok(())
    }

    /// COMMIT or ABORT: what was kept.
    pub(super) fn end(&mut self, name: &str) -> Result<Vec<Request>, Fault> {
        let index = self.0.iter().position(|open| open.name == name);
        let index = index.ok_or_else(|| not_open(name))?;
        Ok(self.0.swap_remove(index).requests)
    }
}

fn not_open(name: &str) -> Fault {
    bad(format!("no transaction {name} is open; BEGIN it first"))
}

fn bad(sentence: String) -> Fault {
    Fault::new("bad-transaction", sentence)
}

//! The operator's side: a server that lets the test say what each request is answered.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::CertifiedKey;
use rcgen::KeyPair;
use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// The operator's server: it lets the test say what each request is answered.
pub struct Operator {
    pub url: String,
    pub heard: mpsc::UnboundedReceiver<Heard>,
}

/// One request, which waits for its answer.
pub struct Heard {
    pub head: String,
    pub body: Vec<u8>,
    pub answer: oneshot::Sender<Vec<u8>>,
}

impl Operator {
    pub async fn listen() -> Self {
        let (listener, at) = bind().await;
        let (tell, heard) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, tell.clone()));
            }
        });
        let url = format!("http://{at}/hook?a=1");
        Self { url, heard }
    }

    /// The same behind TLS.
    pub async fn listen_securely(pair: &CertifiedKey<KeyPair>) -> Self {
        let (listener, at) = bind().await;
        let key = PrivatePkcs8KeyDer::from(pair.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![pair.cert.der().clone()], key.into())
            .expect("a pair");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (tell, heard) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, tell) = (acceptor.clone(), tell.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        converse(stream, tell).await;
                    }
                });
            }
        });
        let url = format!("https://{at}/hook");
        Self { url, heard }
    }

    pub async fn next(&mut self) -> Heard {
        self.heard.recv().await.expect("a request")
    }

    pub fn has_heard_nothing(&mut self) -> bool {
        self.heard.try_recv().is_err()
    }
}

async fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address");
    (listener, at)
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    tell: mpsc::UnboundedSender<Heard>,
) {
    let mut bytes = Vec::new();
    loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8(bytes[..end].to_vec()).expect("text");
            let length = header(&head, "content-length").expect("a length");
            let whole = end + 4 + length.parse::<usize>().expect("a number");
            if bytes.len() >= whole {
                let body = bytes[end + 4..whole].to_vec();
                bytes.drain(..whole);
                let (answer, answered) = oneshot::channel();
                let _ = tell.send(Heard { head, body, answer });
                let Ok(answer) = answered.await else { return };
                if stream.write_all(&answer).await.is_err() {
                    return;
                }
                continue;
            }
        }
        match stream.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find_map(|(known, value)| known.eq_ignore_ascii_case(name).then_some(value))
}

impl Heard {
    pub fn header(&self, name: &str) -> &str {
        header(&self.head, name).unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }

    pub fn event(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub fn say(self, answer: impl Into<Vec<u8>>) {
        let _ = self.answer.send(answer.into());
    }

    pub fn say_status(self, status: &str) {
        self.say(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"));
    }
}

/// The HMAC-SHA256 of RFC 2104, written out, so that it is not the same library on both sides. The key has 64 bytes at most.
pub fn hmac(key: &[u8], body: &[u8]) -> String {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let pad = |byte: u8| block.map(|own| own ^ byte);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(body);
    let outer = Sha256::new().chain_update(pad(0x5c));
    let code = outer.chain_update(inner.finalize()).finalize();
    code.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! One signed POST, to the operator's URL and nowhere else: no redirect is followed, and what is answered is not read beyond
//! its status.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use http::HeaderValue;
use http::Request;
use http::Uri;
use http::header;
use http_body_util::Full;
use hyper_rustls::ConfigBuilderExt;
use hyper_rustls::HttpsConnector;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioTimer;
use sha2::Sha256;
use tokio::time::timeout;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::crypto::ring;

use crate::gateways::webhook::AT_ONCE_MAX;

/// How long a try may take, from the connection to the status of the answer.
const WITHIN: Duration = Duration::from_secs(10);

/// How long a connection is kept for the next event.
const IDLE: Duration = Duration::from_secs(30);

const AGENT: HeaderValue = HeaderValue::from_static(concat!("hongyan/", env!("CARGO_PKG_VERSION")));
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Posts to one URL.
pub(super) struct Post {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: Uri,
    key: Vec<u8>,
}

impl Post {
    pub(super) fn new(url: Uri, key: Vec<u8>) -> io::Result<Self> {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(trust(&url)?)
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(AT_ONCE_MAX)
            .build(connector);
        Ok(Self { client, url, key })
    }

    /// Posts the event `id`. Anything but 2xx is an error, a sentence for the log.
    pub(super) async fn post(&self, id: u64, body: Vec<u8>) -> Result<(), String> {
        let request = Request::post(self.url.clone())
            .header(header::CONTENT_TYPE, JSON)
            .header(header::USER_AGENT, AGENT)
            .header("x-hongyan-event", id)
            .header("x-hongyan-signature", signature(&self.key, &body)?)
            .body(Full::from(body))
            .map_err(|error| error.to_string())?;
        let answered = timeout(WITHIN, self.client.request(request)).await;
        let answer = answered.map_err(|_| format!("no answer within {} s", WITHIN.as_secs()))?;
        // hyper's error says where it failed, and its source says why.
        let answer = answer.map_err(|error| match std::error::Error::source(&error) {
            Some(why) => format!("{error}: {why}"),
            None => error.to_string(),
        })?;
        match answer.status() {
            good if good.is_success() => Ok(()),
            redirect if redirect.is_redirection() => {
                Err(format!("{redirect}; redirects are not followed"))
            }
            bad => Err(bad.to_string()),
        }
    }
}

/// Whom to trust behind `https`: the certificates that this machine trusts.
fn trust(url: &Uri) -> io::Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let config = if url.scheme_str() == Some("https") {
        config.with_native_roots()?
    } else {
        config.with_root_certificates(RootCertStore::empty())
    };
    Ok(config.with_no_client_auth())
}

/// `sha256=` and the HMAC-SHA256 of the body, in hex.
fn signature(key: &[u8], body: &[u8]) -> Result<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|error| error.to_string())?;
    mac.update(body);
    let code = mac.finalize().into_bytes();
    let hex = code.iter().map(|byte| format!("{byte:02x}"));
    Ok(["sha256=".to_owned()].into_iter().chain(hex).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_rfc_4231() {
        // Test case 2.
        assert_eq!(
            signature(b"Jefe", b"what do ya want for nothing?").as_deref(),
            Ok("sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        );
    }
}

//! The few REST calls that prepare a load.

use std::error::Error;

use bytes::Bytes;
use http::Request;
use http::header;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::bench::Failed;
use crate::bench::failed;

/// A client of one broker's REST.
pub(super) struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    /// `HOST:PORT`.
    address: String,
}

impl Http {
    /// A client that has asked nothing yet.
    pub(super) fn new(address: String) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, address }
    }

    /// What a GET answers, as JSON. Errors: any answer but 2xx.
    pub(super) async fn get(&self, path: &str, token: &str) -> Result<Value, Failed> {
        self.ask("GET", path, Some(token), None).await
    }

    /// What a POST answers, as JSON. Errors: any answer but 2xx.
    pub(super) async fn post(
        &self,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> Result<Value, Failed> {
        self.ask("POST", path, token, Some(body)).await
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Value, Failed> {
        let url = format!("http://{}{path}", self.address);
        let doing = format!("{method} {url}");
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request
            .body(Full::from(body))
            .map_err(|why| failed(&doing, why))?;
        let answer = self.client.request(request).await;
        let answer = answer.map_err(|why| failed(&doing, reason(&why)))?;
        let status = answer.status();
        let body = answer.into_body().collect().await;
        let body = body.map_err(|why| failed(&doing, why))?.to_bytes();
        if !status.is_success() {
            return Err(failed(
                &doing,
                format!("{status}: {}", String::from_utf8_lossy(&body)),
            ));
        }
        Ok(serde_json::from_slice(&body).unwrap_or_default())
    }
}

/// The library says what failed, and only the cause says why.
fn reason(why: &dyn Error) -> String {
    match why.source() {
        Some(cause) => reason(cause),
        None => why.to_string(),
    }
}

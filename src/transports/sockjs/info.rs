//! `info`: what a SockJS client asks before it chooses a transport.

/// The JSON of `info`. `entropy` is to differ from call to call: clients seed their random numbers with it.
pub fn body(entropy: u32) -> String {
    format!(r#"{{"websocket":true,"origins":["*:*"],"cookie_needed":false,"entropy":{entropy}}}"#)
}

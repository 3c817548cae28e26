//! Do the SockJS transports keep to the letter of the protocol's public test suite (sockjs-protocol)?
//!
//! The modules are the suite's classes, asked of the services in `examples/sockjs_echo.rs`; `timers` has what the suite
//! leaves out because it takes minutes, on a clock that jumps; `chat` is the broker behind the same transports.

mod support;

mod sockjs {
    pub mod chat;
    #[path = "../../examples/sockjs_echo.rs"]
    #[allow(dead_code, reason = "its `main` is not called here")]
    pub mod echo;
    pub mod http;
    pub mod places;
    pub mod polling;
    pub mod streaming;
    pub mod timers;
    pub mod websockets;
}

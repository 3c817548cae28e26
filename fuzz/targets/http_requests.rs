//! See `hongyan_fuzz::http_requests`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hongyan_fuzz::http_requests(data));

//! See `hongyan_fuzz::sockjs_texts`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hongyan_fuzz::sockjs_texts(data));

//! Bytes as an attacker sends them.

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::net::TcpStream;

use crate::support::client::soon;

/// What a client that reads nothing makes room for.
const SMALL: u32 = 4 * 1024;

/// Numbers that look like chance and are the same every time (xorshift).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        // Zero would stay zero.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// From 0 to below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).expect("below a usize")
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.below(256) as u8).collect()
    }
}

/// A connection.
pub async fn connect(address: &str) -> TcpStream {
    let stream = soon("the connection", TcpStream::connect(address)).await;
    stream.expect("the broker listens")
}

/// A connection of a client that will read nothing, and has room for little.
pub async fn connect_without_room(address: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(SMALL).expect("a small buffer");
    let connecting = socket.connect(address.parse().expect("an address"));
    soon("the connection", connecting)
        .await
        .expect("the broker listens")
}

/// Sends `bytes`, ends the sending side, and reads what is answered to the end of the connection.
pub async fn last_words(address: &str, bytes: &[u8]) -> String {
    let mut stream = connect(address).await;
    // It may hang up before it has heard all.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    read_to_end(&mut stream).await
}

/// The same for who does not say that this is all.
pub async fn answer(address: &str, bytes: &[u8]) -> String {
    let mut stream = connect(address).await;
    let _ = stream.write_all(bytes).await;
    read_to_end(&mut stream).await
}

/// What comes until the connection ends.
pub async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = soon("the end of the connection", stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// The statuses of all the answers in `text`.
pub fn statuses(text: &str) -> Vec<u16> {
    let heads = text.split("HTTP/1.").skip(1);
    let status = |head: &str| head.split(' ').nth(1).and_then(|word| word.parse().ok());
    heads.filter_map(status).collect()
}

/// A WebSocket frame of a client, masked with zeros: `first` is its first byte.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..=125 => frame.push(0x80 | short as u8),
        middle @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((middle as u16).to_be_bytes());
        }
        long => {
            frame.push(0x80 | 127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

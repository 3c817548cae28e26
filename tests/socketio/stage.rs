//! An endpoint whose conversations are played by the test.

use std::sync::Arc;
use std::time::Duration;

use hongyan::transports::Heard;
use hongyan::transports::Link;
use hongyan::transports::Lost;
use hongyan::transports::socketio::Endpoint;
use hongyan::transports::socketio::Handler;
use hongyan::transports::socketio::Head;
use hongyan::transports::socketio::Options;
use http::StatusCode;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

/// Longer than anything takes on a clock that jumps.
const PATIENCE: Duration = Duration::from_secs(3600);

/// What `future` gives, or a panic that names `what` was waited for.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, future).await;
    waited.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

enum Order {
    Hear(oneshot::Sender<Result<Heard, Lost>>),
    Say(Vec<String>, oneshot::Sender<Result<(), Lost>>),
    Probe(u64),
    Close,
}

/// One conversation, in the hands of the test.
pub struct Conversation(mpsc::UnboundedSender<Order>);

impl Conversation {
    /// What the link hears next.
    pub async fn hear(&self) -> Result<Heard, Lost> {
        let (answer, heard) = oneshot::channel();
        let _ = self.0.send(Order::Hear(answer));
        soon("something heard", heard).await.expect("a link")
    }

    /// The next message.
    pub async fn message(&self) -> Value {
        match self.hear().await {
            Ok(Heard::Message(message)) => serde_json::from_slice(&message).expect("JSON"),
            other => panic!("no message: {other:?}"),
        }
    }

    /// Says messages, and tells when they are flushed.
    pub fn say(&self, messages: &[&str]) -> oneshot::Receiver<Result<(), Lost>> {
        let (answer, flushed) = oneshot::channel();
        let messages = messages
            .iter()
            .map(|message| (*message).to_owned())
            .collect();
        let _ = self.0.send(Order::Say(messages, answer));
        flushed
    }

    /// Says an event without arguments.
    pub async fn event(&self, event: &str) {
        let message = format!(r#"{{"namespace":"/","event":"{event}","args":[]}}"#);
        let flushed = soon("the flush", self.say(&[&message])).await;
        assert_eq!(flushed.expect("a link"), Ok(()));
    }

    pub fn probe(&self, mark: u64) {
        let _ = self.0.send(Order::Probe(mark));
    }

    pub fn close(self) {
        let _ = self.0.send(Order::Close);
    }
}

struct Stage(mpsc::UnboundedSender<Conversation>);

impl Handler for Stage {
    type Ticket = ();

    fn knock(&self, head: &Head) -> Result<(), Box<Response>> {
        if head
            .headers
            .get("origin")
            .is_some_and(|origin| origin == "http://evil.example")
        {
            let mut refused = Response::default();
            *refused.status_mut() = StatusCode::FORBIDDEN;
            return Err(Box::new(refused));
        }
        Ok(())
    }

    async fn admit(&self, _head: &Head) -> Result<(), Box<Response>> {
        Ok(())
    }

    async fn converse<L: Link + 'static>(&self, _ticket: (), mut link: L) {
        let (orders, mut ordered) = mpsc::unbounded_channel();
        let _ = self.0.send(Conversation(orders));
        while let Some(order) = ordered.recv().await {
            match order {
                Order::Hear(answer) => {
                    let _ = answer.send(link.hear().await);
                }
                Order::Say(messages, answer) => {
                    let said = messages
                        .into_iter()
                        .try_for_each(|message| link.say(message));
                    let flushed = match said {
                        Ok(()) => link.flush().await,
                        Err(lost) => Err(lost),
                    };
                    let _ = answer.send(flushed);
                }
                Order::Probe(mark) => {
                    let _ = link.probe(mark);
                    let _ = link.flush().await;
                }
                Order::Close => return link.close(1000, "").await,
            }
        }
    }
}

/// An endpoint, and the conversations that it has.
pub struct Theatre {
    pub routes: BoxedFilter<(Response,)>,
    conversations: mpsc::UnboundedReceiver<Conversation>,
}

impl Theatre {
    /// The next conversation. It begins when a client has joined its first namespace.
    pub async fn conversation(&mut self) -> Conversation {
        soon("a conversation", self.conversations.recv())
            .await
            .expect("an endpoint")
    }

    /// Whether none has begun that was not taken.
    pub fn is_empty(&self) -> bool {
        self.conversations.is_empty()
    }
}

/// The options of these tests.
pub fn options() -> Options {
    Options {
        namespaces: &["/", "/friend", "/group", "/server"],
        message_bytes_max: 100_000,
        ..Options::default()
    }
}

pub fn theatre(options: Options) -> Theatre {
    let (stage, conversations) = mpsc::unbounded_channel();
    let endpoint = Endpoint::new(options, Stage(stage));
    let path = warp::path!("socket.io" / ..);
    Theatre {
        routes: path.and(Arc::clone(&endpoint).routes()).boxed(),
        conversations,
    }
}

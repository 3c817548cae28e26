//! `hongyan serve`: starts the broker, tells where it is, and stops it when asked to.

use std::io::IsTerminal;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Level;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::assembly::Failure;
use crate::assembly::doors;
use crate::assembly::doors::Doors;
use crate::assembly::socketio;
use crate::assembly::tcp;
use crate::assembly::timer;
use crate::auth::Auth;
use crate::auth::AuthOptions;
use crate::auth::ForeignKey;
use crate::auth::load_or_make;
use crate::auth::permits::Permits;
use crate::auth::webhook_key;
use crate::broker::Broker;
use crate::broker::limits::Limits;
use crate::broker::ports::QueueLimits;
use crate::broker::ports::Store;
use crate::config;
use crate::config::AllowOrigins;
use crate::config::ServeOptions;
use crate::gateways::clock::Clock;
use crate::gateways::drive::Context;
use crate::gateways::page;
use crate::gateways::rest;
use crate::gateways::stomp::Door;
use crate::gateways::webhook;
use crate::gateways::webhook::Webhook;
use crate::metrics;
use crate::stores::sqlite::SqliteStore;
use crate::transports::http;
use crate::transports::http::Base;
use crate::transports::listener::Listener;
use crate::transports::origin::Origins;
use crate::transports::tls::Certificate;
use crate::transports::tls::Tls;

/// How long a broker that stops keeps the connections open on which last words may be fetched. A client that does not
/// listen must not keep those of all others.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(6);

/// Threads for what would hold up the connections: nothing but what `/metrics` asks of the files, and the names of webhooks. Who
/// comes when all are busy waits.
const WAITING_THREADS_MAX: usize = 4;

/// How often it looks whether everybody has them.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(10);

/// Runs the broker until SIGTERM or SIGINT.
pub(super) fn serve(data: &Path, log: &str, options: ServeOptions) -> Result<(), Failure> {
    start_log(log)?;
    raise_open_files();
    let store = Arc::new(SqliteStore::open(data)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(WAITING_THREADS_MAX)
        .build()?;
    let served = runtime.block_on(serve_until_told(data, options, Arc::clone(&store)));
    // Whatever still runs has had its time; the store finishes what it has taken.
    runtime.shutdown_background();
    store.close();
    served
}

/// Every connection is an open file. What a shell allows at first is often some hundreds; what may be asked for is more.
fn raise_open_files() {
    match rlimit::increase_nofile_limit(rlimit::INFINITY) {
        Ok(most) => tracing::debug!("{most} files may be open, a connection each"),
        Err(error) => tracing::warn!(%error, "the limit of open files stays as it is"),
    }
}

fn start_log(log: &str) -> Result<(), Failure> {
    let filter = tracing_subscriber::EnvFilter::try_new(log).map_err(|error| {
        Failure(format!(
            "--log {log}: {error}; it must be a level such as info, or module=level"
        ))
    })?;
    // Below info, libraries log what passes through them: whole frames and URLs, with tokens, passwords and messages.
    let ours =
        filter_fn(|what| what.target().starts_with("hongyan") || *what.level() <= Level::INFO);
    tracing_subscriber::registry()
        .with(
            tracing_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .with_ansi(std::io::stderr().is_terminal()),
        )
        .with(filter)
        .with(ours)
        .init();
    Ok(())
}

async fn serve_until_told(
    data: &Path,
    options: ServeOptions,
    store: Arc<SqliteStore>,
) -> Result<(), Failure> {
    let certificate = certificate(&options)?;
    // Before anybody can know that we are here.
    let mut signals = Signals::catch(certificate.clone())?;
    let clock = Clock::start();
    let (stop, stopping) = watch::channel(false);
    let (part, parting) = watch::channel(false);
    let foreign_key = options.jwt_key.as_deref().map(ForeignKey::read).transpose();
    let auth_options = AuthOptions {
        own_key: load_or_make(data)
            .map_err(|error| Failure(format!("{}: {error}", data.display())))?,
        foreign_key: foreign_key.map_err(|why| Failure(format!("--jwt-key: {why}")))?,
        registration_open: options.registration_open(),
        api_keys: options.api_keys.clone(),
        trust_login: options.trust_login,
    };
    let port: Arc<dyn Store> = Arc::clone(&store) as Arc<dyn Store>;
    let auth = Auth::open(Arc::clone(&port), auth_options, clock.now()).await?;
    let limits = Limits {
        content_bytes_max: options.max_content,
        messages_per_second: options.message_rate,
        queues: QueueLimits {
            messages_max: options.max_queue,
            bytes_max: options.max_queue_bytes as u64,
            ..QueueLimits::default()
        },
        friends_only: options.friends_only,
        webhook: options.webhook.is_some(),
    };
    let context = Context {
        broker: Broker::new(port, limits),
        auth: Arc::new(auth),
        clock,
        tally: Arc::default(),
        stopping,
    };

    if let Some(webhook) = webhook(data, &options, &context)? {
        tokio::spawn(webhook.run(clock, context.stopping.clone()));
    }
    // It ends with the runtime.
    tokio::spawn(timer::wake(Arc::clone(&context.broker), clock));

    let permits = Arc::new(permits(&options)?);
    let places = Arc::new(Semaphore::new(options.max_connections));
    let bind = async |option, address, protocols: &[&str]| {
        let secure = |certificate| Tls::new(Arc::clone(certificate), protocols);
        let tls = certificate.as_ref().map(secure).transpose()?;
        let stopping = context.stopping.clone();
        let bound = Listener::bind(address, tls, Arc::clone(&places), stopping).await;
        bound.map_err(|error| {
            Failure(format!(
                "{option} {address}: {error}; choose a free address, or port 0"
            ))
        })
    };
    let listener = bind("--listen", options.listen, &["http/1.1"]).await?;
    let stomp_listener = match options.stomp_listen {
        Some(address) => Some(bind("--stomp-listen", address, &[]).await?),
        None => None,
    };
    let (http_scheme, stomp_scheme) = match certificate {
        Some(_) => ("https", "stomp+ssl"),
        None => ("http", "stomp"),
    };
    let addresses = Addresses {
        http: format!("{http_scheme}://{}", listener.address()?),
        stomp: match &stomp_listener {
            Some(listener) => Some(format!("{stomp_scheme}://{}", listener.address()?)),
            None => None,
        },
    };
    let mut served = JoinSet::new();
    let outside = rest::nothing_outside(&options.context_path);
    served.spawn(http::serve(
        listener,
        Base {
            context_path: options.context_path.clone(),
            outside: outside.map(warp::Reply::into_response).boxed(),
        },
        routes(&context, &options, &store, &permits),
        parting,
    ));
    if let Some(listener) = stomp_listener {
        let template = Door {
            frame_bytes_max: options.max_frame,
            permits: Arc::clone(&permits),
            ..Door::default()
        };
        served.spawn(tcp::serve(listener, context.clone(), template));
    }
    greet(&addresses, &options.context_path, data);

    signals.wait_for_stop().await;
    tracing::info!("stopping");
    let _ = stop.send(true);
    context.broker.stop();
    let drained = async {
        // Who polls fetches the last words with a request of its own, which must find the connection there.
        let _ = tokio::time::timeout(LAST_WORDS_WITHIN, all_told(&context)).await;
        let _ = part.send(true);
        served.join_all().await;
        let all = u32::try_from(options.max_connections).unwrap_or(u32::MAX);
        let _ = places.acquire_many(all).await;
    };
    tokio::select! {
        ended = tokio::time::timeout(Duration::from_secs(options.drain_s), drained) => {
            if ended.is_err() {
                tracing::warn!("some connections did not end within --drain");
            }
        }
        () = signals.wait_for_stop() => {
            tracing::warn!("told to stop again: the connections that are left are cut");
        }
    }
    Ok(())
}

/// Waits until no conversation is left.
async fn all_told(context: &Context) {
    let tally = &context.tally;
    while tally.connections_opened.get() > tally.connections_closed.get() {
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
    }
}

fn certificate(options: &ServeOptions) -> Result<Option<Arc<Certificate>>, Failure> {
    let (Some(certificate), Some(key)) = (&options.tls_cert, &options.tls_key) else {
        return Ok(None);
    };
    let certificate = Certificate::read(certificate, key).map_err(Failure)?;
    Ok(Some(Arc::new(certificate)))
}

fn webhook(
    data: &Path,
    options: &ServeOptions,
    context: &Context,
) -> Result<Option<Webhook>, Failure> {
    let Some(url) = options.webhook.clone() else {
        return Ok(None);
    };
    let key = webhook_key(data).map_err(|error| Failure(format!("{}: {error}", data.display())))?;
    let (broker, tally) = (Arc::clone(&context.broker), Arc::clone(&context.tally));
    let webhook = Webhook::new(broker, tally, webhook::Options { url, key });
    let webhook = webhook.map_err(|error| {
        Failure(format!(
            "--webhook: {error}; https needs root certificates (Debian: apt install ca-certificates)"
        ))
    })?;
    Ok(Some(webhook))
}

fn permits(options: &ServeOptions) -> Result<Permits, Failure> {
    let mut permits = Permits::default();
    for config::Permit { users, read, write } in &options.permits {
        let added = permits.add(users, read, write);
        added.map_err(|why| Failure(format!("--config: [[permit]]: {why}")))?;
    }
    Ok(permits)
}

fn routes(
    context: &Context,
    options: &ServeOptions,
    store: &Arc<SqliteStore>,
    permits: &Arc<Permits>,
) -> BoxedFilter<(Response,)> {
    let origins = match options.origins() {
        AllowOrigins::Any => Origins::Any,
        AllowOrigins::SameOnly => Origins::Own,
        AllowOrigins::List(listed) => Origins::Listed(listed),
    };
    let figures = Arc::clone(store);
    let metrics = metrics::Sources {
        broker: Arc::clone(&context.broker),
        gateways: Arc::clone(&context.tally),
        store: Some(Box::new(move || {
            let figures = figures.figures();
            metrics::StoreFigures {
                commits: figures.commits,
                troubles: figures.troubles,
                recoveries: figures.recoveries,
                refused: figures.refused,
                checkpoints_failed: figures.checkpoints_failed,
            }
        })),
        started_ms: context.clock.now().epoch_ms,
    };
    let of_rest = origins.clone();
    let rest = rest::routes(
        context.clone(),
        rest::Options {
            context_path: options.context_path.clone(),
            content_bytes_max: options.max_content,
            origin_allowed: Arc::new(move |headers| of_rest.allow(headers)),
            metrics: Arc::new(move || metrics.text()),
        },
    );
    let doors = Doors {
        context: context.clone(),
        origins,
        frame_bytes_max: options.max_frame,
        permits: Arc::clone(permits),
    };
    // Any path of one part could be a token: whoever has a name for one comes first.
    let packets = doors::packets(doors.clone());
    let socketio = socketio::routes(doors.clone(), options.max_connections);
    let doors = doors::routes(doors);
    let rest = rest.map(warp::Reply::into_response);
    let nothing = rest::nothing_here().map(warp::Reply::into_response);
    let all = doors
        .or(socketio)
        .unify()
        .or(rest)
        .unify()
        .or(page::routes())
        .unify()
        .or(packets)
        .unify()
        .or(nothing)
        .unify();
    all.boxed()
}

/// Where the listeners are, as URLs without a path.
struct Addresses {
    http: String,
    stomp: Option<String>,
}

/// Says where everything is, and what to try next.
fn greet(addresses: &Addresses, context_path: &str, data: &Path) {
    let base = format!("{}{context_path}", addresses.http);
    let base_ws = base.replacen("http", "ws", 1);
    let stomp = match &addresses.stomp {
        Some(stomp) => format!("listening on {stomp}\n"),
        None => String::new(),
    };
    let data = data.canonicalize().unwrap_or_else(|_| data.to_owned());
    let data = data.display();
    let page = if page::is_built() {
        "Open the page to see two people chat."
    } else {
        "The page is not in this binary: `make run` builds it."
    };
    let greeting = format!(
        "listening on {}\n\
         {stomp}\
         \x20 page       {base}/\n\
         \x20 STOMP      {base}/socketServer (SockJS), {base_ws}/client (WebSocket)\n\
         \x20 packets    {base_ws}/TOKEN, the token by POST {base}/IM/token\n\
         \x20 Socket.IO  {base}/socket.io/\n\
         \x20 REST       {base}/api/openapi.json\n\
         \x20 data       {data}\n\
         {page} Ctrl-C stops the broker.\n",
        addresses.http
    );
    // Whoever started the broker may have read enough; it serves all the same.
    let _ = std::io::stdout().write_all(greeting.as_bytes());
}

/// What the operator may tell a process that runs.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    /// What SIGHUP renews.
    certificate: Option<Arc<Certificate>>,
}

impl Signals {
    fn catch(certificate: Option<Arc<Certificate>>) -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            certificate,
        })
    }

    /// Waits for SIGTERM or SIGINT, and does what SIGHUP asks for until then.
    async fn wait_for_stop(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                Some(()) = self.hangup.recv() => match &self.certificate {
                    Some(certificate) => match certificate.renew() {
                        Ok(()) => tracing::info!("the certificate was read again"),
                        Err(why) => tracing::error!("{why}; the certificate stays as it was"),
                    },
                    // A terminal that hangs up ends what was begun in it, and in good order.
                    None if std::io::stdin().is_terminal() => return,
                    None => tracing::info!("SIGHUP: there is no certificate to read again"),
                },
            }
        }
    }
}

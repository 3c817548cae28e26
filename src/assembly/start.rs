//! `hongyan serve`: starts the broker, tells where it is, and stops it when asked to.

use std::future::Future;
use std::io::IsTerminal;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::Semaphore;
use tokio::sync::watch;
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
use crate::auth::Auth;
use crate::auth::AuthOptions;
use crate::auth::ForeignKey;
use crate::auth::load_or_make;
use crate::broker::Broker;
use crate::broker::limits::Limits;
use crate::broker::ports::Store;
use crate::config::AllowOrigins;
use crate::config::ServeOptions;
use crate::gateways::clock::Clock;
use crate::gateways::drive::Context;
use crate::gateways::page;
use crate::gateways::rest;
use crate::metrics;
use crate::stores::sqlite::SqliteStore;
use crate::transports::http;
use crate::transports::origin::Origins;

/// Runs the broker until SIGTERM or SIGINT.
pub(super) fn serve(data: &Path, log: &str, options: ServeOptions) -> Result<(), Failure> {
    start_log(log)?;
    let store = Arc::new(SqliteStore::open(data)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(serve_until_told(data, options, Arc::clone(&store)));
    // Whatever still runs has had its time; the store finishes what it has taken.
    runtime.shutdown_background();
    store.close();
    served
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
    // Before anybody can know that we are here.
    let told = signals()?;
    let clock = Clock::start();
    let (stop, stopping) = watch::channel(false);
    let foreign_key = options.jwt_key.as_deref().map(ForeignKey::read).transpose();
    let auth_options = AuthOptions {
        own_key: load_or_make(data)
            .map_err(|error| Failure(format!("{}: {error}", data.display())))?,
        foreign_key: foreign_key.map_err(|why| Failure(format!("--jwt-key: {why}")))?,
        registration_open: options.registration_open(),
        api_keys: options.api_keys.clone(),
    };
    let port: Arc<dyn Store> = Arc::clone(&store) as Arc<dyn Store>;
    let auth = Auth::open(Arc::clone(&port), auth_options, clock.now()).await?;
    let limits = Limits {
        content_bytes_max: options.max_content,
        messages_per_second: options.message_rate,
    };
    let context = Context {
        broker: Broker::new(port, limits),
        auth: Arc::new(auth),
        clock,
        tally: Arc::default(),
        stopping,
    };

    let listener = TcpListener::bind(options.listen).await.map_err(|error| {
        Failure(format!(
            "--listen {}: {error}; choose a free address, or port 0",
            options.listen
        ))
    })?;
    let address = listener.local_addr()?;
    let places = Arc::new(Semaphore::new(options.max_connections));
    let served = tokio::spawn(http::serve(
        listener,
        options.context_path.clone(),
        routes(&context, &options, &store),
        Arc::clone(&places),
        context.stopping.clone(),
    ));
    greet(&format!("http://{address}"), &options.context_path, data);

    told.await;
    tracing::info!("stopping");
    let _ = stop.send(true);
    context.broker.stop();
    let drained = async {
        let _ = served.await;
        let all = u32::try_from(options.max_connections).unwrap_or(u32::MAX);
        let _ = places.acquire_many(all).await;
    };
    if tokio::time::timeout(Duration::from_secs(options.drain_s), drained)
        .await
        .is_err()
    {
        tracing::warn!("some connections did not end within --drain");
    }
    Ok(())
}

fn routes(
    context: &Context,
    options: &ServeOptions,
    store: &Arc<SqliteStore>,
) -> BoxedFilter<(Response,)> {
    let origins = match options.origins() {
        AllowOrigins::Any => Origins::Any,
        AllowOrigins::SameOnly => Origins::Own,
        AllowOrigins::List(listed) => Origins::Listed(listed),
    };
    let commits = Arc::clone(store);
    let metrics = metrics::Sources {
        broker: Arc::clone(&context.broker),
        gateways: Arc::clone(&context.tally),
        commits: Some(Box::new(move || commits.commits())),
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
    let doors = doors::routes(Doors {
        context: context.clone(),
        origins,
        frame_bytes_max: options.max_frame,
    });
    let rest = rest.map(warp::Reply::into_response);
    let nothing = rest::nothing_here().map(warp::Reply::into_response);
    let all = doors
        .or(rest)
        .unify()
        .or(page::routes())
        .unify()
        .or(nothing)
        .unify();
    all.boxed()
}

/// Says where everything is, and what to try next.
fn greet(address: &str, context_path: &str, data: &Path) {
    let base = format!("{address}{context_path}");
    let base_ws = base.replacen("http", "ws", 1);
    let data = data.canonicalize().unwrap_or_else(|_| data.to_owned());
    let data = data.display();
    let page = if page::is_built() {
        "Open the page to see two people chat."
    } else {
        "The page is not in this binary: `make run` builds it."
    };
    let greeting = format!(
        "listening on {address}\n\
         \x20 page       {base}/\n\
         \x20 STOMP      {base}/socketServer (SockJS), {base_ws}/client (WebSocket)\n\
         \x20 REST       {base}/api/openapi.json\n\
         \x20 data       {data}\n\
         {page} Ctrl-C stops the broker.\n"
    );
    // Whoever started the broker may have read enough; it serves all the same.
    let _ = std::io::stdout().write_all(greeting.as_bytes());
}

/// SIGTERM and SIGINT, heard from now on.
fn signals() -> Result<impl Future<Output = ()>, Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

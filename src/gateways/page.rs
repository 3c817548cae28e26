//! The console: the page that was built into the binary, or a word on how to build it.

use rust_embed::RustEmbed;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

#[derive(RustEmbed)]
#[folder = "console/dist/"]
#[allow_missing = true]
struct Console;

const INDEX: &str = "index.html";

/// What the page may load and speak to: itself, and WebSockets.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; frame-ancestors 'self'; base-uri 'self'";

const NOT_BUILT: &str = "<!doctype html><meta charset=utf-8><title>Hongyan</title>\
    <h1>鸿雁 Hongyan runs</h1>\
    <p>The broker is up, but this binary was built without its page. Build both with <code>make run</code>, \
    or <code>make console</code> and then <code>cargo run --release</code> (Node.js 20 and npm are needed).</p>\
    <p>Clients can connect all the same: see <code>README.md</code>.</p>";

/// Whether the page was built into this binary.
pub fn is_built() -> bool {
    Console::get(INDEX).is_some()
}

/// `GET /` and the files that the page loads.
pub fn routes() -> BoxedFilter<(Response,)> {
    warp::get()
        .or(warp::head())
        .unify()
        .and(warp::path::full())
        .and_then(|path: warp::path::FullPath| async move {
            let name = path.as_str().trim_start_matches('/');
            answer(if name.is_empty() { INDEX } else { name }).ok_or_else(warp::reject::not_found)
        })
        .boxed()
}

fn answer(name: &str) -> Option<Response> {
    let Some(file) = Console::get(name) else {
        return (name == INDEX)
            .then(|| response("text/html; charset=utf-8", "no-cache", NOT_BUILT.into()));
    };
    let kind = file.metadata.mimetype().to_owned();
    // The names of built assets change with their contents.
    let cache = if name.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    Some(response(&kind, cache, file.data.into_owned()))
}

fn response(kind: &str, cache: &str, body: Vec<u8>) -> Response {
    let reply = warp::reply::with_header(body, "content-type", kind);
    let reply = warp::reply::with_header(reply, "cache-control", cache);
    let reply = warp::reply::with_header(reply, "content-security-policy", CONTENT_SECURITY_POLICY);
    let reply = warp::reply::with_header(reply, "x-content-type-options", "nosniff");
    warp::Reply::into_response(reply)
}

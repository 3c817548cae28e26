//! What the gateways have counted since the start. `metrics` gives these their public names.

use crate::broker::tally::Count;

/// The gateways' counts.
#[derive(Debug, Default)]
pub struct Tally {
    /// Connections that a gateway took over.
    pub connections_opened: Count,
    /// Connections that are over.
    pub connections_closed: Count,
    /// ACKs and UNSUBSCRIBEs of something that is no more.
    pub stale: Count,
    /// Log-ins refused.
    pub logins_refused: Count,
    /// Events for the webhook that waited already at the start.
    pub hooks_found: Count,
    /// Events that the webhook was told, and took.
    pub hooks_told: Count,
    /// Events that it need not be told: everybody concerned had come.
    pub hooks_needless: Count,
    /// Tries that were in vain and are to be made again.
    pub hooks_retried: Count,
    /// Events that were given up.
    pub hooks_failed: Count,
    /// Clients that did not take what was sent to them in time.
    pub stalled: Count,
}

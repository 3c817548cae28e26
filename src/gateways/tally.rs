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
    /// Clients that did not take what was sent to them in time.
    pub stalled: Count,
}

//! Orders that a courier takes, and where couriers are (seed 004).

/// An order's id: 1 to 64 bytes without control characters, as whoever placed it calls it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OrderId(pub String);

impl OrderId {
    /// Reads an id; `None` where it is too long, empty, or has control characters.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=64).contains(&text.len()) && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned()))
    }
}

/// Where somebody is, or was last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Location {
    /// Degrees east, -180 to 180.
    pub longitude: f64,
    /// Degrees north, -90 to 90.
    pub latitude: f64,
    /// When it was told, milliseconds since the Unix epoch.
    pub time_ms: u64,
}

impl Eq for Location {}

impl Location {
    /// A place on earth; `None` for any other numbers.
    pub fn new(longitude: f64, latitude: f64, time_ms: u64) -> Option<Self> {
        let fits = (-180.0..=180.0).contains(&longitude) && (-90.0..=90.0).contains(&latitude);
        fits.then_some(Self {
            longitude,
            latitude,
            time_ms,
        })
    }
}

//! Named faults: how a simulated upstream misbehaves, for which requests and when.

mod body;
mod deliver;
mod plan;

pub(super) use deliver::{Exchange, deliver};
pub use plan::{FaultError, FaultPlan};

/// A way in which an upstream misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Status 500.
    Status500,
    /// 429 with `Retry-After` in seconds.
    RateLimited,
    /// 429 with `Retry-After` as a date.
    RateLimitedDate,
    /// 429 with a `Retry-After` of a day.
    RateLimitedLong,
    /// The first half of the body, then the connection is closed.
    Truncated,
    /// An HTML page with status 200.
    Html,
    /// The request is read and never answered.
    Hang,
    /// One byte of the response every 100 ms.
    Drip,
    /// The connection is reset in the middle of the body.
    Reset,
    /// A redirect to another host.
    RedirectHost,
    /// A redirect to another scheme.
    RedirectScheme,
    /// A redirect to another port.
    RedirectPort,
    /// A redirect to the same address, for ever.
    RedirectLoop,
    /// A redirect to a page that does not exist.
    RedirectMissing,
    /// A body of 200 MB.
    HugeBody,
    /// A small compressed body that becomes 10 GB.
    GzipBomb,
    /// `Content-Length` is smaller than the body.
    LengthTooShort,
    /// `Content-Length` is larger than the body, and the connection stays open.
    LengthTooLong,
    /// A million nested arrays and objects.
    Nested,
    /// Five million empty objects side by side.
    ManyValues,
    /// Every object has its first key twice, first with null.
    DuplicateKeys,
    /// Every number is one that no type holds, or an impossible one.
    HugeNumbers,
    /// Every name begins with markup, quotes, control characters and a thousand letters.
    HostileNames,
    /// An empty list.
    EmptyList,
    /// Status 200 without a body.
    EmptyBody,
    /// 404.
    NotFound,
    /// No connection: nothing listens on the port.
    Gone,
    /// Each request meets another of the faults above, except [`Fault::Gone`].
    Mixed,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 28] = [
        Self::Status500,
        Self::RateLimited,
        Self::RateLimitedDate,
        Self::RateLimitedLong,
        Self::Truncated,
        Self::Html,
        Self::Hang,
        Self::Drip,
        Self::Reset,
        Self::RedirectHost,
        Self::RedirectScheme,
        Self::RedirectPort,
        Self::RedirectLoop,
        Self::RedirectMissing,
        Self::HugeBody,
        Self::GzipBomb,
        Self::LengthTooShort,
        Self::LengthTooLong,
        Self::Nested,
        Self::ManyValues,
        Self::DuplicateKeys,
        Self::HugeNumbers,
        Self::HostileNames,
        Self::EmptyList,
        Self::EmptyBody,
        Self::NotFound,
        Self::Gone,
        Self::Mixed,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Status500 => "status-500",
            Self::RateLimited => "rate-limited",
            Self::RateLimitedDate => "rate-limited-date",
            Self::RateLimitedLong => "rate-limited-long",
            Self::Truncated => "truncated",
            Self::Html => "html",
            Self::Hang => "hang",
            Self::Drip => "drip",
            Self::Reset => "reset",
            Self::RedirectHost => "redirect-host",
            Self::RedirectScheme => "redirect-scheme",
            Self::RedirectPort => "redirect-port",
            Self::RedirectLoop => "redirect-loop",
            Self::RedirectMissing => "redirect-missing",
            Self::HugeBody => "huge-body",
            Self::GzipBomb => "gzip-bomb",
            Self::LengthTooShort => "length-too-short",
            Self::LengthTooLong => "length-too-long",
            Self::Nested => "nested",
            Self::ManyValues => "many-values",
            Self::DuplicateKeys => "duplicate-keys",
            Self::HugeNumbers => "huge-numbers",
            Self::HostileNames => "hostile-names",
            Self::EmptyList => "empty-list",
            Self::EmptyBody => "empty-body",
            Self::NotFound => "not-found",
            Self::Gone => "gone",
            Self::Mixed => "mixed",
        }
    }

    /// What one request meets: for [`Fault::Mixed`] the fault that a number selects.
    fn of_request(self, number: u64) -> Self {
        const MIXED: u64 = 26;
        match self {
            // The last two are `Gone` and `Mixed`.
            Self::Mixed => Self::ALL[(number % MIXED) as usize],
            other => other,
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

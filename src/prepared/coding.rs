//! Content codings: how to compress a body, and which codings a client accepts.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;
use std::io::Write;

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Brotli,
    /// Zstandard.
    Zstd,
    /// gzip, which every client supports.
    Gzip,
}

const BROTLI_WINDOW: u32 = 20;

/// Compression effort: the levels of Brotli, Zstandard and gzip.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort(u32, i32, u32);

impl Effort {
    /// High enough to compress text well, low enough to compress a whole site during a publication.
    pub const ONCE: Self = Self(5, 9, 6);
    /// Fast, for a response that a client is waiting for.
    pub const WHILE_WAITED_FOR: Self = Self(1, 1, 1);
}

impl Coding {
    pub const ALL: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// The name in headers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// The body in this coding; `None` if compression fails, in which case the body is sent uncompressed.
    pub fn pack(self, body: &[u8], Effort(brotli, zstd, gzip): Effort) -> Option<Vec<u8>> {
        match self {
            Self::Brotli => {
                let mut packed = Vec::new();
                let mut encoder = brotli::CompressorWriter::new(&mut packed, 4096, brotli, BROTLI_WINDOW);
                encoder.write_all(body).ok()?;
                encoder.flush().ok()?;
                drop(encoder);
                Some(packed)
            }
            Self::Zstd => zstd::bulk::compress(body, zstd).ok(),
            Self::Gzip => {
                let level = flate2::Compression::new(gzip);
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(body).ok()?;
                encoder.finish().ok()
            }
        }
    }
}

/// The quality value that a request gives a coding, in thousandths; 0 means not acceptable (RFC 9110, 12.5.3). The name
/// of the coding overrides `*`.
pub(super) fn accepted(request: &HeaderMap, coding: Coding) -> u16 {
    let mut any = 0;
    for value in request.get_all(ACCEPT_ENCODING) {
        for part in value.to_str().unwrap_or_default().split(',') {
            let mut fields = part.split(';').map(str::trim);
            let name = fields.next().unwrap_or_default();
            let liking = fields.next().map_or(1000, quality);
            if name.eq_ignore_ascii_case(coding.name()) {
                return liking;
            }
            if name == "*" {
                any = liking;
            }
        }
    }
    any
}

/// The value of `q=0.5` in thousandths; 0 if the field is not a valid quality.
fn quality(field: &str) -> u16 {
    let value = field.strip_prefix("q=").or_else(|| field.strip_prefix("Q="));
    let share = value.and_then(|value| value.trim().parse::<f32>().ok()).filter(|q| (0.0..=1.0).contains(q));
    // The filter guarantees the range.
    share.map_or(0, |share| (share * 1000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use std::io::Read;

    #[test]
    fn what_is_packed_unpacks_to_the_same() {
        let body = "tier S, tier A, tier B; ".repeat(500).into_bytes();
        let unpacked = |coding: Coding, effort: Effort| {
            let packed = coding.pack(&body, effort).expect("packed");
            assert!(packed.len() < body.len() / 5, "{coding:?}");
            let mut out = Vec::new();
            match coding {
                Coding::Brotli => brotli::Decompressor::new(&packed[..], 4096).read_to_end(&mut out),
                Coding::Zstd => {
                    out = zstd::decode_all(&packed[..]).expect("zstd");
                    Ok(0)
                }
                Coding::Gzip => flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut out),
            }
            .expect("unpacked");
            out
        };
        for coding in Coding::ALL {
            assert_eq!(unpacked(coding, Effort::ONCE), body);
            assert_eq!(unpacked(coding, Effort::WHILE_WAITED_FOR), body);
        }
    }

    #[test]
    fn qualities_are_read_as_the_standard_says() {
        let liked = |accept: &'static str, coding| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(accept));
            accepted(&headers, coding)
        };
        assert_eq!(liked("gzip", Coding::Gzip), 1000);
        assert_eq!(liked("GZIP;q=0.5", Coding::Gzip), 500);
        assert_eq!(liked("*;q=0.3, gzip;q=0", Coding::Gzip), 0);
        assert_eq!(liked("*;q=0.3, gzip;q=0", Coding::Brotli), 300);
        assert_eq!(liked("br;q=nonsense", Coding::Brotli), 0);
        assert_eq!(liked("br;q=2", Coding::Brotli), 0);
        assert_eq!(liked("identity", Coding::Zstd), 0);
    }
}

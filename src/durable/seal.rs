//! Compressed files that notice damage: each zstd frame has a checksum, and the file ends with the sha256 of everything
//! before it, in a skippable frame. Any zstd decoder reads such a file and ignores its end.

use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};

/// The head of the last frame: the magic number of a skippable frame, and the length of its content.
const HEAD: [u8; 8] = [0x5A, 0x2A, 0x4D, 0x18, 32, 0, 0, 0];

/// Bytes of the digest.
const DIGEST: usize = 32;

/// Compresses a content as one frame with a checksum.
///
/// # Errors
/// If the compressor fails.
pub fn compress(content: &[u8], level: i32) -> io::Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(Vec::new(), level)?;
    encoder.include_checksum(true)?;
    encoder.write_all(content)?;
    encoder.finish()
}

/// Adds the digest at the end of a compressed file.
pub fn seal(mut packed: Vec<u8>) -> Vec<u8> {
    let digest = Sha256::digest(&packed);
    packed.extend_from_slice(&HEAD);
    packed.extend_from_slice(&digest);
    packed
}

/// A compressed file without its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened<'a> {
    /// The compressed content.
    pub packed: &'a [u8],
    /// Whether the file has a digest. Files of older versions have none.
    pub is_sealed: bool,
}

/// Compares a file with the digest at its end.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] if the digest does not match.
pub fn open(file: &[u8]) -> io::Result<Opened<'_>> {
    let (packed, end) = file.split_at(file.len().saturating_sub(HEAD.len() + DIGEST));
    let Some(digest) = end.strip_prefix(&HEAD[..]).filter(|digest| digest.len() == DIGEST) else {
        return Ok(Opened { packed: file, is_sealed: false });
    };
    if Sha256::digest(packed)[..] != *digest {
        let what = "the content does not match the checksum at its end";
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    Ok(Opened { packed, is_sealed: true })
}

/// Decompresses a content of at most `most` bytes: a small file can have a huge content.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] if the content is larger, and what the decoder reports.
pub fn unpack(packed: &[u8], most: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    zstd::Decoder::with_buffer(packed)?.take(most.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 > most {
        let what = format!("its decompressed content has more than {} MiB", most >> 20);
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_that_is_too_large_is_refused() {
        let content = vec![0; 3 << 20];
        let packed = compress(&content, 3).expect("compressed");
        assert_eq!(unpack(&packed, 3 << 20).expect("read"), content);
        let error = unpack(&packed, 2 << 20).expect_err("too large");
        assert!(error.to_string().contains("more than 2 MiB"), "{error}");
    }

    #[test]
    fn every_flipped_bit_is_noticed_or_harmless() {
        let content = b"{\"run_id\": \"20260801T105700Z\", \"requests\": 1300}".repeat(4);
        let sealed = seal(compress(&content, 3).expect("compressed"));
        let read = |file: &[u8]| open(file).and_then(|opened| zstd::decode_all(opened.packed));
        assert_eq!(read(&sealed).expect("whole"), content);
        assert!(open(&sealed).expect("whole").is_sealed);
        assert_eq!(zstd::decode_all(sealed.as_slice()).expect("any decoder reads it"), content);
        let mut noticed = 0;
        for position in 0..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[position / 8] ^= 1 << (position % 8);
            match read(&damaged) {
                Err(_) => noticed += 1,
                Ok(read) => assert_eq!(read, content, "bit {position}"),
            }
        }
        // Only the four bits that distinguish the magic numbers of skippable frames do no harm.
        assert!(noticed >= sealed.len() * 8 - 4, "{noticed} of {}", sealed.len() * 8);
        for length in 0..sealed.len() {
            if let Ok(read) = read(&sealed[..length]) {
                assert!(read == content || read.is_empty(), "cut to {length}");
            }
        }
    }

    #[test]
    fn files_without_a_digest_stay_readable() {
        for file in [&b""[..], b"short", &[0; 64]] {
            assert_eq!(open(file).expect("no digest"), Opened { packed: file, is_sealed: false });
        }
    }
}

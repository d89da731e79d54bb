//! The bytes of a file on their way to the readers: hashed and counted.

use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::io::{self, Read};
use std::rc::Rc;

/// A source of bytes that is hashed while it is read. Clones share the source.
#[derive(Clone)]
pub(super) struct Tap<'a>(Rc<RefCell<State<'a>>>);

struct State<'a> {
    source: Box<dyn Read + 'a>,
    digest: Sha256,
    bytes: u64,
    failed: Option<io::Error>,
    progress: Option<&'a dyn Fn(u64)>,
}

impl<'a> Tap<'a> {
    pub fn new(source: Box<dyn Read + 'a>, progress: Option<&'a dyn Fn(u64)>) -> Self {
        let state = State { source, digest: Sha256::new(), bytes: 0, failed: None, progress };
        Self(Rc::new(RefCell::new(state)))
    }

    /// Bytes read so far.
    pub fn bytes_read(&self) -> u64 {
        self.0.borrow().bytes
    }

    /// Whether the source itself failed, not a decompressor behind it.
    pub fn has_failed(&self) -> bool {
        self.0.borrow().failed.is_some()
    }

    /// The error of the source, or another one if the source did not fail.
    pub fn cause(&self, other: io::Error) -> io::Error {
        self.0.borrow_mut().failed.take().unwrap_or(other)
    }

    /// Reads the rest, so that the digest is that of the whole file.
    pub fn drain(&self) -> io::Result<()> {
        io::copy(&mut self.clone(), &mut io::sink()).map(|_| ())
    }

    /// Adds the bytes of another file to the digest.
    pub fn add(&self, more: impl Read) -> io::Result<()> {
        let earlier = std::mem::replace(&mut self.0.borrow_mut().source, Box::new(io::empty()));
        let added = io::copy(&mut Tap::more(self, more), &mut io::sink());
        self.0.borrow_mut().source = earlier;
        added.map(|_| ())
    }

    fn more<R: Read>(tap: &Self, more: R) -> impl Read {
        struct More<'a, R>(Tap<'a>, R);
        impl<R: Read> Read for More<'_, R> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let read = self.1.read(buffer)?;
                self.0.0.borrow_mut().digest.update(&buffer[..read]);
                Ok(read)
            }
        }
        More(tap.clone(), more)
    }

    /// SHA-256 of the bytes read so far, in hexadecimal, and their number.
    pub fn digest(&self) -> (String, u64) {
        let state = self.0.borrow();
        let digest = state.digest.clone().finalize();
        (digest.iter().map(|byte| format!("{byte:02x}")).collect(), state.bytes)
    }
}

impl Read for Tap<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let state = &mut *self.0.borrow_mut();
        match state.source.read(buffer) {
            Ok(read) => {
                state.digest.update(&buffer[..read]);
                state.bytes += read as u64;
                if let Some(progress) = state.progress {
                    progress(state.bytes);
                }
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let copy = io::Error::new(error.kind(), error.to_string());
                state.failed = Some(error);
                Err(copy)
            }
        }
    }
}

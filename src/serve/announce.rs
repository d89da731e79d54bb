//! The announcement through which other processes on this machine find the server that holds the store.

use crate::failpoint;
use crate::pipeline::DataDir;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// The largest announcement that is read, bytes.
const MOST_BYTES: u64 = 4096;

/// What a server writes into its data folder while it runs.
#[derive(Clone, Serialize, Deserialize)]
pub struct Announced {
    /// URL of the server on this machine.
    pub url: String,
    /// The token of local callers: only users who can read the data folder may query the store.
    pub token: String,
    /// Process id of the server.
    pub pid: u32,
    #[serde(skip)]
    path: PathBuf,
}

/// Without the token.
impl std::fmt::Debug for Announced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = &mut f.debug_struct("Announced");
        shown.field("url", &self.url).field("pid", &self.pid).finish_non_exhaustive()
    }
}

impl Announced {
    /// Writes the announcement, readable only by its owner: into a new file with a random name, which then replaces what
    /// is in its place, be it a file of another owner or a link.
    ///
    /// # Errors
    /// With the path, if the folder cannot be written.
    pub(super) fn new(data: &DataDir, address: SocketAddr) -> Result<Self, (PathBuf, io::Error)> {
        let token: u128 = rand::random();
        let announced = Self {
            url: local_url(address),
            token: format!("{token:032x}"),
            pid: std::process::id(),
            path: data.server(),
        };
        match announced.write(data.path()).and_then(|()| failpoint::reach("serve.announced")) {
            Ok(()) => Ok(announced),
            Err(error) => Err((announced.path, error)),
        }
    }

    fn write(&self, folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)?;
        // The file is created with O_EXCL and mode 0600.
        let mut file = tempfile::Builder::new().prefix(".server-").suffix(".tmp").tempfile_in(folder)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }

    /// Reads the announcement in a data folder, if any. One that another user may have written is ignored with a warning:
    /// commands would send their requests to that user's server.
    pub fn read(data: &DataDir) -> Option<Self> {
        use io::Read;
        let path = data.server();
        let file = std::fs::File::open(&path).ok()?;
        if let Err(reason) = is_trusted(&file, data.path()) {
            tracing::warn!(path = %path.display(), reason, "ignoring the announcement of a server");
            return None;
        }
        let mut text = Vec::new();
        file.take(MOST_BYTES).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok().map(|announced: Self| Self { path, ..announced })
    }

    /// Removes the announcement, unless it is another server's or already gone.
    pub(super) fn withdraw(&self) {
        let text = std::fs::read(&self.path).unwrap_or_default();
        let found: Option<Self> = serde_json::from_slice(&text).ok();
        if found.is_some_and(|found| found.token == self.token)
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove the announcement of the server");
        }
    }
}

/// Whether only this user, the owner of the folder or root can have written a file.
#[cfg(unix)]
fn is_trusted(file: &std::fs::File, folder: &Path) -> Result<(), &'static str> {
    use std::os::unix::fs::MetadataExt;
    let Ok(found) = file.metadata() else { return Err("its owner cannot be read") };
    if !found.is_file() {
        return Err("it is not a regular file");
    }
    let own = rustix::process::geteuid().as_raw();
    let of_folder = std::fs::metadata(folder).map(|folder| folder.uid()).ok();
    if found.uid() != own && found.uid() != 0 && Some(found.uid()) != of_folder {
        return Err("it belongs to another user; delete it if no server of that user runs");
    }
    if found.mode() & 0o022 != 0 {
        return Err("other users may write it; restart the server, which writes it again");
    }
    Ok(())
}

#[cfg(not(unix))]
fn is_trusted(_: &std::fs::File, _: &Path) -> Result<(), &'static str> {
    Ok(())
}

/// The URL for a caller on this machine; an unspecified address becomes loopback.
pub(super) fn local_url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_address_is_reached_through_loopback() {
        assert_eq!(local_url("0.0.0.0:80".parse().expect("an address")), "http://127.0.0.1:80");
        assert_eq!(local_url("[::]:80".parse().expect("an address")), "http://[::1]:80");
        assert_eq!(local_url("127.0.0.1:1".parse().expect("an address")), "http://127.0.0.1:1");
    }

    fn announced(data: &DataDir) -> Announced {
        Announced::new(data, "127.0.0.1:1".parse().expect("an address")).expect("announced")
    }

    #[cfg(unix)]
    #[test]
    fn it_is_a_new_file_for_its_owner_alone_whatever_was_in_its_place() {
        use std::fs;
        use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
        let folder = tempfile::tempdir().expect("a folder");
        let data = DataDir::new(folder.path());
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "of someone else").expect("written");
        symlink(&elsewhere, data.server()).expect("linked");
        let first = announced(&data);
        assert_eq!(fs::read_to_string(&elsewhere).expect("there"), "of someone else");
        fs::set_permissions(data.server(), PermissionsExt::from_mode(0o644)).expect("set");
        let readable_before = fs::metadata(data.server()).expect("there").ino();
        let second = announced(&data);
        let found = fs::symlink_metadata(data.server()).expect("there");
        assert!(found.is_file() && found.mode() & 0o777 == 0o600 && found.ino() != readable_before);
        assert_eq!(Announced::read(&data).map(|read| read.token), Some(second.token.clone()));
        assert!(!format!("{second:?}").contains(&second.token));
        first.withdraw();
        assert!(data.server().exists(), "the announcement of another server stays");
        second.withdraw();
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "only `elsewhere` is left");
    }

    #[cfg(unix)]
    #[test]
    fn one_that_others_may_write_is_ignored_and_so_is_a_folder() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let data = DataDir::new(folder.path());
        let written = announced(&data);
        std::fs::set_permissions(data.server(), PermissionsExt::from_mode(0o666)).expect("set");
        assert!(Announced::read(&data).is_none());
        std::fs::set_permissions(data.server(), PermissionsExt::from_mode(0o644)).expect("set");
        assert!(Announced::read(&data).is_some(), "an older version wrote it");
        written.withdraw();
        std::fs::create_dir(data.server()).expect("created");
        assert!(Announced::read(&data).is_none());
        let (path, _) =
            Announced::new(&data, "127.0.0.1:1".parse().expect("an address")).expect_err("a folder");
        assert_eq!(path, data.server());
    }
}

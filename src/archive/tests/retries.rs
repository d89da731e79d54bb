//! A run that is collected again under the same id: no pack is overwritten.

use super::{archive, bodies, manifest_path, pack, write};
use crate::archive::{Archive, Scope};
use std::fs;

#[test]
fn a_retried_run_overwrites_no_pack_and_each_step_leaves_a_whole_pair() {
    let (folder, archive) = archive();
    let first = write(&archive, 0, &["one", "two"]);
    let (manifest, old_pack) = (manifest_path(&archive, 0), pack(&first, 0));
    let old = fs::read(&manifest).expect("readable");
    let old_bytes = fs::read(folder.path().join(&old_pack)).expect("readable");
    let again = write(&archive, 0, &["one", "three"]);
    assert_ne!(pack(&again, 0), old_pack);
    assert_eq!(fs::read(folder.path().join(&old_pack)).expect("there"), old_bytes, "not overwritten");
    assert_eq!(bodies(&archive, &again), ["one", "three"]);
    // As if the process had been killed between the pack and the manifest.
    fs::write(&manifest, old).expect("written");
    let read = Archive::read_manifest(&manifest).expect("readable");
    assert_eq!((bodies(&archive, &read), &read), (vec!["one".to_owned(), "two".to_owned()], &first));
    let verified = archive.verify(Scope::All, |_, _| {}).expect("listed");
    assert_eq!((verified.problems, verified.unreferenced), (Vec::new(), Some(1)));
    // The same bodies again use the pack that is there.
    assert_eq!(pack(&write(&archive, 0, &["one", "three"]), 0), pack(&again, 0));
    assert_eq!(archive.verify(Scope::All, |_, _| {}).expect("listed").packs, 2);
}

#[test]
fn a_damaged_manifest_or_pack_of_the_same_run_is_kept() {
    let (folder, archive) = archive();
    let first = write(&archive, 0, &["one"]);
    let (manifest, pack_path) = (manifest_path(&archive, 0), folder.path().join(pack(&first, 0)));
    fs::write(&manifest, "damaged").expect("written");
    fs::write(&pack_path, "damaged too").expect("written");
    let again = write(&archive, 0, &["one"]);
    assert_eq!(bodies(&archive, &again), ["one"]);
    assert_eq!(fs::read(&pack_path).expect("there"), b"damaged too");
    let names: Vec<String> = manifest
        .parent()
        .expect("a folder")
        .read_dir()
        .expect("readable")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert!(names.iter().any(|name| name.contains(".manifest.zst.damaged-")), "{names:?}");
    // A third content under the same name.
    fs::write(folder.path().join(pack(&again, 0)), "also damaged").expect("written");
    let third = write(&archive, 0, &["one"]);
    assert_eq!(bodies(&archive, &third), ["one"]);
    assert_eq!(archive.set_aside_before().expect("listed"), [], "the run is whole again");
}

//! Damaged files: every kind is noticed or harmless, and costs only its own run.

use super::{archive, bodies, cut, hour, manifest_path, pack, write};
use crate::archive::{Archive, ArchiveError, Manifest, Scope};
use crate::durable::seal;
use std::fs;
use std::path::Path;

/// What a manifest file and its bodies say now.
fn content(archive: &Archive, path: &Path) -> Result<(Manifest, Vec<String>), ArchiveError> {
    let manifest = Archive::read_manifest(path)?;
    archive.bodies(&manifest)?;
    let texts = bodies(archive, &manifest);
    Ok((manifest, texts))
}

#[test]
fn every_flipped_bit_of_manifest_and_pack_is_noticed_or_harmless() {
    let (folder, archive) = archive();
    let manifest = write(&archive, 0, &["one", "two"]);
    let path = manifest_path(&archive, 0);
    let whole = content(&archive, &path).expect("readable");
    for file in [path.clone(), folder.path().join(pack(&manifest, 0))] {
        let good = fs::read(&file).expect("readable");
        let mut noticed = 0;
        for bit in 0..good.len() * 8 {
            let mut damaged = good.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&file, damaged).expect("written");
            match content(&Archive::open(folder.path()), &path) {
                Err(_) => noticed += 1,
                Ok(read) => assert_eq!(read, whole, "{} bit {bit}", file.display()),
            }
        }
        fs::write(&file, &good).expect("written");
        assert!(noticed > good.len() * 4, "{noticed} of {} bits in {}", good.len() * 8, file.display());
    }
}

#[test]
fn a_cut_empty_random_or_deleted_manifest_does_not_stop_the_next_run() {
    let random: Vec<u8> = (0..300_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let cut: fn(&[u8]) -> Vec<u8> = |whole| whole[..whole.len() / 2].to_vec();
    let contents = |whole: &[u8]| vec![cut(whole), Vec::new(), random.clone()];
    for kind in 0..3 {
        let (_folder, archive) = archive();
        let first = write(&archive, 0, &["one", "two"]);
        write(&archive, 1, &["one", "three"]);
        let damaged = manifest_path(&archive, 1);
        let content = contents(&fs::read(&damaged).expect("readable")).swap_remove(kind);
        fs::write(&damaged, &content).expect("written");
        let third = write(&archive, 2, &["one", "three"]);
        assert_eq!(bodies(&archive, &third), ["one", "three"]);
        assert_eq!(pack(&third, 0), pack(&first, 0), "the manifest before it is used");
        // It is kept under another name, listed, and no longer in the way.
        assert!(!damaged.exists());
        let aside = archive.set_aside_before().expect("listed");
        let [(place, kept)] = aside.as_slice() else { panic!("one file, not {aside:?}") };
        assert_eq!((place, fs::read(kept).expect("kept")), (&damaged, content));
        let problems = archive.problems();
        let [problem] = problems.as_slice() else { panic!("one problem, not {problems:?}") };
        assert_eq!((&problem.path, &problem.run_ids), (&damaged, &vec![hour(1).run_id]));
        let verified = archive.verify(Scope::All, |_, _| {}).expect("listed");
        let [problem] = verified.problems.as_slice() else { panic!("{:?}", verified.problems) };
        assert!(problem.what.contains(".damaged-20260801T020000Z"), "{problem:?}");
        assert_eq!(verified.manifests, 2);
    }
    let (_folder, archive) = archive();
    write(&archive, 0, &["one"]);
    fs::remove_file(manifest_path(&archive, 0)).expect("deleted");
    let second = write(&archive, 1, &["one"]);
    assert_eq!(bodies(&archive, &second), ["one"]);
    assert_eq!(archive.verify(Scope::All, |_, _| {}).expect("listed").unreferenced, Some(1));
}

#[test]
fn a_restored_manifest_counts_again() {
    let (_folder, archive) = archive();
    write(&archive, 0, &["one"]);
    let path = manifest_path(&archive, 0);
    let whole = fs::read(&path).expect("readable");
    assert!(!archive.set_aside_if_damaged(&path, hour(1).observed_at), "it is whole");
    cut(&path, 20);
    assert!(archive.set_aside_if_damaged(&path, hour(1).observed_at));
    assert_eq!(archive.set_aside_before().expect("listed").len(), 1);
    assert_eq!(archive.manifests().expect("listed").len(), 0);
    fs::write(&path, whole).expect("restored");
    assert_eq!(archive.set_aside_before().expect("listed"), []);
    assert_eq!(archive.readable_manifests().expect("listed").len(), 1);
}

#[cfg(unix)]
#[test]
fn files_that_the_system_refuses_stay_where_they_are() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, archive) = archive();
    write(&archive, 0, &["one"]);
    write(&archive, 1, &["one"]);
    let denied = manifest_path(&archive, 1);
    fs::set_permissions(&denied, PermissionsExt::from_mode(0o000)).expect("set");
    // The superuser may read everything.
    let is_root = fs::read(&denied).is_ok();
    let third = write(&archive, 2, &["one"]);
    assert_eq!(bodies(&archive, &third), ["one"]);
    assert!(denied.exists(), "what cannot be read is not known to be damaged");
    assert_eq!(archive.problems().is_empty(), is_root);
}

#[test]
fn a_manifest_of_an_older_version_is_read_and_one_of_a_newer_version_is_not_called_damaged() {
    let (_folder, archive) = archive();
    let manifest = write(&archive, 0, &["one"]);
    let path = manifest_path(&archive, 0);
    let sealed = fs::read(&path).expect("readable");
    let text = zstd::decode_all(sealed.as_slice()).expect("any decoder reads it");
    // As versions before the digest wrote it.
    fs::write(&path, zstd::encode_all(text.as_slice(), 3).expect("packed")).expect("written");
    assert_eq!(Archive::read_manifest(&path).expect("readable"), manifest);
    let verified = archive.verify(Scope::All, |_, _| {}).expect("listed");
    assert_eq!((verified.without_digest, verified.problems), (1, Vec::new()));
    // Whole, but in another form.
    let newer = seal::seal(seal::compress(b"{\"form\": 9}", 3).expect("packed"));
    fs::write(&path, newer).expect("written");
    let error = Archive::read_manifest(&path).expect_err("another form");
    assert!(error.to_string().contains("a newer version of hitrate wrote it"), "{error}");
    assert!(!error.is_damage());
    assert!(!archive.set_aside_if_damaged(&path, hour(1).observed_at));
    assert!(path.exists());
}

#[test]
fn a_pack_outside_the_archive_is_not_opened() {
    let (folder, archive) = archive();
    let mut manifest = write(&archive, 0, &["one"]);
    for outside in ["../secret.pack", "/etc/secret.pack", "2026/../../secret.pack", "secret.txt"] {
        manifest.entries[0].body.as_mut().expect("a body").pack = outside.to_owned();
        let path = folder.path().join("hostile.manifest.zst");
        fs::write(&path, manifest.encode(&path).expect("encoded")).expect("written");
        let error = Archive::read_manifest(&path).expect_err("outside");
        assert!(
            matches!(&error, ArchiveError::Outside { line: 2, pack, .. } if pack == outside),
            "{error:?}"
        );
        assert!(error.to_string().contains("is not inside the archive"), "{error}");
    }
}

#[test]
fn impossible_locations_are_errors() {
    let (_folder, archive) = archive();
    let manifest = write(&archive, 0, &["one"]);
    let changes: [fn(&mut crate::archive::Location); 4] = [
        |location| location.offset = usize::MAX,
        |location| location.length = usize::MAX,
        |location| location.frame = u64::MAX,
        |location| location.frame = 7,
    ];
    for change in changes {
        let mut damaged = manifest.clone();
        change(damaged.entries[0].body.as_mut().expect("a body"));
        archive.bodies(&damaged).expect_err("no such body");
    }
}

#[cfg(unix)]
#[test]
fn links_to_folders_are_named_and_not_followed_and_no_device_is_read() {
    use std::os::unix::fs::symlink;
    let (folder, archive) = archive();
    let first = write(&archive, 0, &["one"]);
    symlink(".", folder.path().join("circle")).expect("linked");
    symlink("2026", folder.path().join("again")).expect("linked");
    assert_eq!(archive.manifests().expect("listed").len(), 1, "each run once");
    let verified = archive.verify(Scope::All, |_, _| {}).expect("listed");
    let named: Vec<_> = verified.problems.iter().map(|problem| problem.path.clone()).collect();
    assert_eq!(named, [folder.path().join("again"), folder.path().join("circle")]);
    assert!(verified.problems[0].what.contains("a link to a folder"), "{:?}", verified.problems);
    // Neither is read to its end, which never comes.
    let pack_path = folder.path().join(pack(&first, 0));
    for path in [manifest_path(&archive, 0), pack_path] {
        fs::remove_file(&path).expect("removed");
        symlink("/dev/zero", &path).expect("linked");
    }
    let error = Archive::read_manifest(&manifest_path(&archive, 0)).expect_err("a device");
    assert!(error.to_string().contains("not a file") && error.is_damage(), "{error}");
    let error = archive.bodies(&first).expect_err("a device");
    assert!(error.to_string().contains("not a file"), "{error}");
}

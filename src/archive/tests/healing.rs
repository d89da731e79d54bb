//! Lost packs: their bodies are stored again, and earlier runs read them from there.

use super::{archive, bodies, cut, hour, manifest_path, pack, write};
use crate::archive::{Archive, Scope};
use std::fs;

#[test]
fn bodies_of_a_lost_pack_are_stored_again_and_heal_the_runs_before() {
    let (folder, archive) = archive();
    let first = write(&archive, 0, &["one", "two", "gone"]);
    let second = write(&archive, 1, &["one", "two", "new"]);
    assert_eq!(pack(&second, 0), pack(&first, 0));
    let lost = folder.path().join(pack(&first, 0));
    fs::remove_file(&lost).expect("deleted");
    archive.bodies(&second).expect_err("lost");
    let third = write(&archive, 2, &["one", "two", "new"]);
    assert_ne!(pack(&third, 0), pack(&first, 0), "nothing refers to the lost pack any more");
    assert_eq!(pack(&third, 2), pack(&second, 2), "a pack that is whole is still used");
    assert_eq!(bodies(&archive, &third), ["one", "two", "new"]);
    // Also in another process, and for a run before the loss.
    let fresh = Archive::open(folder.path());
    assert_eq!(bodies(&fresh, &second), ["one", "two", "new"]);
    let error = fresh.bodies(&first).expect_err("a body that never came again is lost");
    assert!(error.to_string().contains(&pack(&first, 0)), "{error}");
    let verified = fresh.verify(Scope::All, |_, _| {}).expect("listed");
    let [problem] = verified.problems.as_slice() else { panic!("{:?}", verified.problems) };
    assert_eq!((&problem.path, &problem.run_ids), (&lost, &vec![hour(0).run_id, hour(1).run_id]));
    assert!(problem.what.starts_with("3 of its bodies cannot be read"), "{problem:?}");
    assert!(problem.what.contains("no other pack has 1 of them") && problem.is_loss, "{problem:?}");
    let noted: Vec<_> = archive.problems().into_iter().map(|problem| problem.path).collect();
    assert_eq!(noted, [lost]);
}

#[test]
fn a_pack_that_is_cut_changed_or_swapped_is_not_referred_to() {
    for kind in 0..3 {
        let (folder, archive) = archive();
        let first = write(&archive, 0, &["one", "two"]);
        let path = folder.path().join(pack(&first, 0));
        let whole = fs::read(&path).expect("readable");
        match kind {
            0 => cut(&path, whole.len() - 8),
            1 => {
                let mut changed = whole.clone();
                let one = whole.windows(3).position(|bytes| bytes == b"one").expect("too short to compress");
                changed[one] ^= 4;
                fs::write(&path, changed).expect("written");
            }
            _ => fs::write(&path, zstd::encode_all(&b"two"[..], 3).expect("packed")).expect("written"),
        }
        let second = write(&archive, 1, &["one", "two"]);
        assert_ne!(pack(&second, 0), pack(&first, 0), "kind {kind}");
        assert_eq!(bodies(&archive, &second), ["one", "two"]);
        let fresh = Archive::open(folder.path());
        assert_eq!(bodies(&fresh, &first), ["one", "two"], "healed");
        let verified = fresh.verify(Scope::All, |_, _| {}).expect("listed");
        let [problem] = verified.problems.as_slice() else { panic!("{:?}", verified.problems) };
        assert!(problem.what.contains("nothing is lost") && !problem.is_loss, "{problem:?}");
    }
}

#[test]
fn a_pack_that_changes_while_the_process_runs_is_read_again() {
    let (folder, archive) = archive();
    let first = write(&archive, 0, &["one"]);
    let second = write(&archive, 1, &["one"]);
    assert_eq!(pack(&second, 0), pack(&first, 0), "read and found to be whole");
    cut(&folder.path().join(pack(&first, 0)), 8);
    let third = write(&archive, 2, &["one"]);
    assert_ne!(pack(&third, 0), pack(&first, 0));
    assert_eq!(bodies(&archive, &third), ["one"]);
}

#[test]
fn a_problem_is_gone_once_its_file_is_restored() {
    let (folder, archive) = archive();
    let first = write(&archive, 0, &["one"]);
    write(&archive, 1, &["one", "two"]);
    let (pack_path, manifest) = (folder.path().join(pack(&first, 0)), manifest_path(&archive, 1));
    let whole = [&pack_path, &manifest].map(|path| fs::read(path).expect("readable"));
    cut(&pack_path, 8);
    cut(&manifest, 20);
    write(&archive, 2, &["one"]);
    let noted = |archive: &Archive| -> Vec<_> {
        archive.problems().into_iter().map(|problem| problem.path).collect()
    };
    assert_eq!(noted(&archive), [pack_path.clone(), manifest.clone()]);
    write(&archive, 3, &["one"]);
    assert_eq!(noted(&archive).len(), 2, "nothing was repaired");
    fs::write(&manifest, &whole[1]).expect("restored");
    write(&archive, 4, &["one"]);
    assert_eq!(noted(&archive), std::slice::from_ref(&pack_path));
    fs::write(&pack_path, &whole[0]).expect("restored");
    write(&archive, 5, &["one"]);
    assert_eq!(noted(&archive), Vec::<std::path::PathBuf>::new());
    assert_eq!(bodies(&archive, &first), ["one"]);
}

//! Damage that a check finds.

use std::path::PathBuf;

use super::{RESULTSDB, back_up, check, check_backup, fails, files, flip, restore, succeeds, upload_large};

#[test]
fn a_flipped_byte_is_found_in_every_kind_of_file() {
    let folder = tempfile::tempdir().unwrap();
    let (data, backup) = (folder.path().join("data"), folder.path().join("backup"));
    let server = RESULTSDB.serve(&data);
    upload_large(&server, 1);
    server.stop();
    std::fs::write(data.join("key"), "secret").unwrap();
    succeeds(&back_up(&data, &backup));
    assert!(succeeds(&check(&data)).ends_with("nothing is damaged\n"));

    // In the backup: every object, and the manifest.
    let names: Vec<PathBuf> = files(&backup.join("objects"));
    assert!(names.len() > 20);
    let whole: Vec<Vec<u8>> = names.iter().map(|path| std::fs::read(path).unwrap()).collect();
    names.iter().for_each(|path| flip(path));
    let found = fails(&check_backup(&backup));
    for path in &names {
        assert!(found.contains(path.file_name().unwrap().to_str().unwrap()), "{}: {found}", path.display());
    }
    names.iter().zip(whole).for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
    assert!(succeeds(&check_backup(&backup)).ends_with("nothing is damaged\n"));
    // A restore reads the same objects in the same way; some are enough.
    let manifest = backup.join("manifest.json");
    for (number, path) in names.iter().step_by(8).chain([&manifest]).enumerate() {
        let whole = std::fs::read(path).unwrap();
        flip(path);
        let name = path.file_name().unwrap().to_str().unwrap();
        let copy = folder.path().join(format!("copy-{number}"));
        let found = fails(&restore(&backup, &copy));
        assert!(found.contains(name), "{name}: {found}");
        assert_eq!(copy.join("restore.unfinished").exists(), *path != manifest);
        std::fs::write(path, whole).unwrap();
    }
    let lost = std::fs::read(&names[0]).unwrap();
    std::fs::remove_file(&names[0]).unwrap();
    let found = fails(&check_backup(&backup));
    assert!(found.contains("is missing"), "{found}");
    std::fs::write(&names[0], lost).unwrap();

    // In the data directory: log, blob, and a part of a table.
    let blob = files(&data.join("blobs")).remove(0);
    let journal = files(&data.join("log")).into_iter().find(|path| path.extension().is_some_and(|kind| kind == "jnl"));
    let part = files(&data.join("store/clickhouse/store")).into_iter().filter(|path| path.ends_with("data.bin"));
    let part = part.max_by_key(|path| std::fs::metadata(path).unwrap().len()).unwrap();
    for path in [blob, journal.unwrap(), part] {
        let whole = std::fs::read(&path).unwrap();
        flip(&path);
        let found = fails(&check(&data));
        let place = if path.ends_with("data.bin") { path.parent().unwrap() } else { &path };
        assert!(found.contains("DAMAGED") && found.contains(place.to_str().unwrap()), "{}: {found}", path.display());
        assert!(found.contains("is damaged in 1 places"), "{found}");
        std::fs::write(&path, whole).unwrap();
    }
    assert!(succeeds(&check(&data)).ends_with("nothing is damaged\n"));
}

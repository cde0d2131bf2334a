//! The corpus, and many small changes to it: what fuzzing found once is not found again.

use std::path::Path;

/// The files of a folder beside the targets.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 2, "{} is empty", folder.display());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Calls with every seed, every prefix of it and many changed copies.
fn shake(target: &str, call: impl Fn(&[u8])) {
    let rounds = if std::env::var("SEQUOR_TIER").is_ok_and(|tier| tier == "1") { 2_000_000 } else { 10_000 };
    let seeds = corpus(target);
    for seed in &seeds {
        for end in 0..=seed.len() {
            call(&seed[..end]);
        }
    }
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 16).unwrap_or(0) % below.max(1)
    };
    for _ in 0..rounds {
        let mut bytes = seeds[random(seeds.len())].clone();
        for _ in 0..=random(4) {
            let place = random(bytes.len());
            match random(5) {
                0 => bytes.truncate(place),
                1 => bytes.insert(place, u8::try_from(random(256)).unwrap()),
                2 if place < bytes.len() => drop(bytes.remove(place)),
                3 if place < bytes.len() => bytes[place] = [0, 1, 0x7f, 0x80, 0xfa, 0xfb, 0xfe, 0xff][random(8)],
                _ if place < bytes.len() => bytes[place] ^= 1 << random(8),
                _ => {}
            }
        }
        call(&bytes);
    }
}

#[test]
fn no_answer_of_a_server_panics_a_decoder() {
    let read: usize = corpus("mysql_answers").iter().map(|seed| super::answers(seed)).sum();
    assert!(read > 15, "the seeds hold {read} rows only");
    shake("mysql_answers", |bytes| {
        super::answers(bytes);
    });
}

#[test]
fn no_url_and_no_script_panics_its_parser() {
    shake("urls", |bytes| {
        super::url(&String::from_utf8_lossy(bytes));
        super::script(&String::from_utf8_lossy(bytes));
    });
}

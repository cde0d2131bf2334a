//! The inputs that fuzzing starts from, and many small changes to them: what it found once is not found again, and it needs no special compiler.

use std::path::{Path, PathBuf};

/// The files of a fuzz target, in order.
///
/// # Errors
/// The folder that cannot be read, or has next to nothing.
pub fn seeds(target: &str) -> Result<Vec<Vec<u8>>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let told = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).map_err(told)?.flatten().map(|entry| entry.path()).collect();
    files.sort();
    if files.len() < 3 {
        return Err(format!("{} is empty", folder.display()));
    }
    files.iter().map(|file| std::fs::read(file).map_err(told)).collect()
}

/// Calls with every seed, every prefix of it and many changed copies: 10,000, and 2,000,000 at tier 1.
///
/// # Errors
/// As [`seeds`].
pub fn shake(target: &str, call: impl Fn(&[u8])) -> Result<(), String> {
    let rounds = if std::env::var("SEQUOR_TIER").is_ok_and(|tier| tier == "1") { 2_000_000 } else { 10_000 };
    let seeds = seeds(target)?;
    for seed in &seeds {
        for end in 0..=seed.len() {
            call(&seed[..end]);
        }
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..rounds {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(4) {
            change(&mut bytes, &mut random);
        }
        call(&bytes);
    }
    Ok(())
}

struct Random(u64);

impl Random {
    fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or(0) % below.max(1)
    }
}

/// One small change.
fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    let place = random.below(bytes.len());
    match random.below(5) {
        0 => bytes.truncate(place),
        1 => bytes.insert(place, u8::try_from(random.below(256)).unwrap_or(0)),
        2 if place < bytes.len() => drop(bytes.remove(place)),
        3 if place < bytes.len() => bytes[place] = [0, 1, 0x7f, 0x80, 0xfa, 0xfb, 0xfe, 0xff][random.below(8)],
        _ if place < bytes.len() => bytes[place] ^= 1 << random.below(8),
        _ => {}
    }
}

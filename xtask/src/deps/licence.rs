//! Which licences a dependency may have: SPDX expressions, of which one choice has to be permissive.

const ALLOWED: [&str; 10] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "Unicode-3.0",
    "Unlicense",
];

/// Whether an expression such as `(MIT OR Apache-2.0) AND Unicode-3.0` can be met with allowed licences.
pub fn is_allowed(expression: &str) -> bool {
    // `MIT/Apache-2.0` is the older way to write OR.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words, place: 0 };
    let allowed = reader.any();
    allowed && reader.place == words.len()
}

struct Reader<'a> {
    words: &'a [&'a str],
    place: usize,
}

impl Reader<'_> {
    fn take(&mut self, word: &str) -> bool {
        let is_next = self.words.get(self.place) == Some(&word);
        self.place += usize::from(is_next);
        is_next
    }

    fn any(&mut self) -> bool {
        let mut allowed = self.all();
        while self.take("OR") {
            allowed |= self.all();
        }
        allowed
    }

    fn all(&mut self) -> bool {
        let mut allowed = self.one();
        while self.take("AND") {
            allowed &= self.one();
        }
        allowed
    }

    fn one(&mut self) -> bool {
        if self.take("(") {
            let allowed = self.any();
            return self.take(")") && allowed;
        }
        let Some(name) = self.words.get(self.place) else { return false };
        self.place += 1;
        if self.take("WITH") {
            let exception = self.words.get(self.place).copied().unwrap_or_default();
            self.place += 1;
            return ALLOWED.contains(&format!("{name} WITH {exception}").as_str());
        }
        ALLOWED.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn one_choice_has_to_be_permissive() {
        for good in ["MIT", "MIT/Apache-2.0", "GPL-3.0 OR MIT", "(MIT OR GPL-3.0) AND Unicode-3.0", "Apache-2.0 WITH LLVM-exception OR X"] {
            assert!(is_allowed(good), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(GPL-3.0 OR AGPL-3.0) AND MIT", "MIT WITH Strange", "MIT MIT", "(MIT"] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }
}

//! Every naming convention and length limit: cases, plurals, and names that are too long for a server.

/// `HTTPServerName` → `http_server_name`.
pub fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut text = String::with_capacity(name.len() + 4);
    for (place, letter) in letters.iter().enumerate() {
        if matches!(letter, '-' | ' ' | '_') {
            if !text.ends_with('_') && !text.is_empty() {
                text.push('_');
            }
            continue;
        }
        if letter.is_uppercase() && place > 0 {
            let before = letters[place - 1];
            let next_is_lower = letters.get(place + 1).is_some_and(|next| next.is_lowercase());
            if (before.is_lowercase() || before.is_numeric() || (before.is_uppercase() && next_is_lower)) && !text.ends_with('_') {
                text.push('_');
            }
        }
        text.extend(letter.to_lowercase());
    }
    text
}

/// `created_at` → `createdAt`.
pub fn camel_case(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut raise = false;
    for letter in name.chars() {
        if matches!(letter, '_' | '-' | ' ') {
            raise = !text.is_empty();
        } else if raise {
            text.extend(letter.to_uppercase());
            raise = false;
        } else if text.is_empty() {
            text.extend(letter.to_lowercase());
        } else {
            text.push(letter);
        }
    }
    text
}

/// `post_tag` → `PostTag`.
pub fn pascal_case(name: &str) -> String {
    let camel = camel_case(name);
    let mut letters = camel.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => camel,
    }
}

/// Words whose plural is themselves.
const UNCOUNTABLE: &[&str] = &[
    "advice",
    "aircraft",
    "bison",
    "chassis",
    "corps",
    "deer",
    "equipment",
    "evidence",
    "feedback",
    "fish",
    "furniture",
    "gold",
    "hardware",
    "headquarters",
    "homework",
    "information",
    "jeans",
    "knowledge",
    "luggage",
    "metadata",
    "money",
    "moose",
    "music",
    "news",
    "offspring",
    "police",
    "rice",
    "salmon",
    "series",
    "sheep",
    "shrimp",
    "software",
    "species",
    "staff",
    "swine",
    "traffic",
    "trout",
    "weather",
    "wheat",
    "wood",
];

/// Singulars and plurals that follow no rule.
const IRREGULAR: &[(&str, &str)] = &[
    ("person", "people"),
    ("man", "men"),
    ("woman", "women"),
    ("human", "humans"),
    ("child", "children"),
    ("foot", "feet"),
    ("tooth", "teeth"),
    ("goose", "geese"),
    ("mouse", "mice"),
    ("louse", "lice"),
    ("ox", "oxen"),
    ("die", "dice"),
    ("cactus", "cacti"),
    ("focus", "foci"),
    ("fungus", "fungi"),
    ("nucleus", "nuclei"),
    ("syllabus", "syllabi"),
    ("stimulus", "stimuli"),
    ("alumnus", "alumni"),
    ("criterion", "criteria"),
    ("phenomenon", "phenomena"),
    ("datum", "data"),
    ("medium", "media"),
    ("bacterium", "bacteria"),
    ("curriculum", "curricula"),
    ("memorandum", "memoranda"),
    ("stratum", "strata"),
    ("index", "indices"),
    ("matrix", "matrices"),
    ("vertex", "vertices"),
    ("appendix", "appendices"),
    ("quiz", "quizzes"),
    ("move", "moves"),
    ("sex", "sexes"),
    ("genus", "genera"),
    ("octopus", "octopi"),
    ("virus", "viri"),
    ("leaf", "leaves"),
    ("loaf", "loaves"),
    ("thief", "thieves"),
    ("half", "halves"),
    ("shelf", "shelves"),
    ("wolf", "wolves"),
    ("calf", "calves"),
    ("self", "selves"),
    ("knife", "knives"),
    ("life", "lives"),
    ("wife", "wives"),
    ("hero", "heroes"),
    ("potato", "potatoes"),
    ("tomato", "tomatoes"),
    ("echo", "echoes"),
    ("veto", "vetoes"),
    ("embargo", "embargoes"),
    ("torpedo", "torpedoes"),
    ("buffalo", "buffaloes"),
    ("movie", "movies"),
    ("cookie", "cookies"),
    ("shoe", "shoes"),
    ("slave", "slaves"),
    ("analysis", "analyses"),
    ("axis", "axes"),
    ("basis", "bases"),
    ("crisis", "crises"),
    ("diagnosis", "diagnoses"),
    ("ellipsis", "ellipses"),
    ("hypothesis", "hypotheses"),
    ("oasis", "oases"),
    ("parenthesis", "parentheses"),
    ("synopsis", "synopses"),
    ("synthesis", "syntheses"),
    ("thesis", "theses"),
    ("testis", "testes"),
];

/// The plural of an English noun; of `order_item` or `OrderItem` that of its last word.
pub fn plural(name: &str) -> String {
    on_last_word(name, |word| {
        if UNCOUNTABLE.contains(&word) || IRREGULAR.iter().any(|(_, many)| *many == word) {
            return word.to_owned();
        }
        if let Some((_, many)) = IRREGULAR.iter().find(|(one, _)| *one == word) {
            return (*many).to_owned();
        }
        let stem = |cut: usize| &word[..word.len() - cut];
        if word.ends_with('y') && !ends_in(word, &["ay", "ey", "iy", "oy", "uy"]) {
            format!("{}ies", stem(1))
        } else if ends_in(word, &["ss", "sh", "ch", "x", "z"])
            || ends_in(word, &["alias", "status", "bus", "gas", "lens", "campus", "bonus", "census", "virus", "iris"])
        {
            format!("{word}es")
        } else if word.ends_with("sis") {
            format!("{}es", stem(2))
        } else if word.ends_with('s') {
            word.to_owned()
        } else {
            format!("{word}s")
        }
    })
}

/// The singular of an English noun; of `order_items` or `OrderItems` that of its last word.
pub fn singular(name: &str) -> String {
    on_last_word(name, |word| {
        if UNCOUNTABLE.contains(&word) || IRREGULAR.iter().any(|(one, _)| *one == word) {
            return word.to_owned();
        }
        if let Some((one, _)) = IRREGULAR.iter().find(|(_, many)| *many == word) {
            return (*one).to_owned();
        }
        let stem = |cut: usize| word[..word.len() - cut].to_owned();
        if word.ends_with("ies") && word.len() > 4 {
            format!("{}y", stem(3))
        } else if ends_in(
            word,
            &[
                "sses", "shes", "ches", "xes", "zes", "aliases", "statuses", "buses", "gases", "lenses", "campuses", "bonuses", "censuses",
                "irises",
            ],
        ) {
            stem(2)
        } else if ends_in(word, &["ss", "us", "is"]) || !word.ends_with('s') {
            word.to_owned()
        } else {
            stem(1)
        }
    })
}

fn ends_in(word: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| word.ends_with(ending))
}

/// Applies a rule to the last word of a name and keeps its first letter's case.
fn on_last_word(name: &str, rule: impl Fn(&str) -> String) -> String {
    let start = name
        .char_indices()
        .rev()
        .find_map(|(place, letter)| {
            if matches!(letter, '_' | '-' | ' ') {
                Some(place + letter.len_utf8())
            } else if letter.is_uppercase() && name[..place].chars().next_back().is_some_and(char::is_lowercase) {
                Some(place)
            } else {
                None
            }
        })
        .unwrap_or(0);
    let (head, word) = name.split_at(start);
    if word.is_empty() || !word.is_ascii() {
        return name.to_owned();
    }
    let changed = rule(&word.to_lowercase());
    let all_upper = word.len() > 1 && word.chars().all(|letter| !letter.is_lowercase());
    let changed = if all_upper {
        // `SKU` becomes `SKUs`, as people write it.
        match changed.strip_prefix(&word.to_lowercase()) {
            Some(ending) => format!("{word}{ending}"),
            None => changed.to_uppercase(),
        }
    } else if word.starts_with(char::is_uppercase) {
        pascal_first(&changed)
    } else {
        changed
    };
    format!("{head}{changed}")
}

fn pascal_first(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A name that fits into so many bytes: longer ones end in a hash of the whole, so that two never collide by being cut.
pub fn shorten(name: &str, limit: usize) -> String {
    if name.len() <= limit {
        return name.to_owned();
    }
    // FNV-1a: stable across versions and machines, which a name in a database must be.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut cut = limit.saturating_sub(9);
    while !name.is_char_boundary(cut) {
        cut -= 1;
    }
    format!("{}_{:08x}", &name[..cut], hash & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        assert_eq!(snake_case("HTTPServerName"), "http_server_name");
        assert_eq!(snake_case("OrderItem2"), "order_item2");
        assert_eq!(snake_case("createdAt"), "created_at");
        assert_eq!(camel_case("created_at"), "createdAt");
        assert_eq!(pascal_case("post_tag"), "PostTag");
    }

    #[test]
    fn plurals_and_back() {
        for (one, many) in [
            ("person", "people"),
            ("category", "categories"),
            ("status", "statuses"),
            ("user", "users"),
            ("Person", "People"),
            ("OrderItem", "OrderItems"),
            ("box", "boxes"),
            ("bus", "buses"),
            ("child", "children"),
            ("analysis", "analyses"),
            ("day", "days"),
            ("address", "addresses"),
            ("post_tag", "post_tags"),
            ("equipment", "equipment"),
            ("house", "houses"),
            ("alias", "aliases"),
            ("knife", "knives"),
            ("photo", "photos"),
            ("base", "bases"),
        ] {
            assert_eq!(plural(one), many);
            if one != "base" {
                assert_eq!(singular(many), one);
            }
        }
        assert_eq!(plural("users"), "users");
        assert_eq!(plural("OTP"), "OTPs");
    }

    #[test]
    fn long_names_end_in_a_hash_and_stay_apart() {
        let (a, b) = ("a".repeat(63) + "x", "a".repeat(63) + "y");
        assert_ne!(shorten(&a, 63), shorten(&b, 63));
        assert_eq!(shorten(&a, 63).len(), 63);
        assert_eq!(shorten("short", 63), "short");
    }
}

//! Names as Sequelize makes them of the names of models and attributes: plurals, singulars, `snake_case` and `camelCase`, rule by rule those of the package
//! `inflection` 1.13. Run-time models are named by them, so that they find the tables and keys of a Sequelize program; typed models by `naming`.

/// Words that are never changed.
const UNCOUNTABLE: &str = "\
    accommodation adulthood advertising advice aggression aid air aircraft alcohol anger applause arithmetic assistance athletics bacon baggage beef \
    biology blood botany bread butter carbon cardboard cash chalk chaos chess crossroads countryside dancing deer dignity dirt dust economics \
    education electricity engineering enjoyment envy equipment ethics evidence evolution fame fiction flour flu food fuel fun furniture gallows \
    garbage garlic genetics gold golf gossip gratitude grief guilt gymnastics happiness hardware harm hate hatred health heat help homework honesty \
    honey hospitality housework humour hunger hydrogen ice importance inflation information innocence iron irony jam jewelry judo karate knowledge \
    lack laughter lava leather leisure lightning linguine linguini linguistics literature litter livestock logic loneliness luck luggage macaroni \
    machinery magic management mankind marble mathematics mayonnaise measles methane milk minus money mud music mumps nature news nitrogen nonsense \
    nurture nutrition obedience obesity oxygen pasta patience physics poetry pollution poverty pride psychology publicity punctuation quartz racism \
    relaxation reliability research respect revenge rice rubbish rum safety scenery seafood seaside series shame sheep shopping sleep smoke smoking \
    snow soap software soil spaghetti species steam stuff stupidity sunshine symmetry tennis thirst thunder timber traffic transportation trust \
    underwear unemployment unity validity veal vegetation vegetarianism vengeance violence vitality warmth wealth weather welfare wheat wildlife \
    wisdom yoga zinc zoology";

/// What stands before the ending of a rule.
enum Before {
    /// One of these.
    Stem(&'static [&'static str]),
    /// One of these, and nothing before it.
    Word(&'static [&'static str]),
    /// A letter that is none of these.
    Not(&'static str),
}

use Before::{Not, Stem, Word};

/// What stands before, the ending, and what is put in its place; nothing where the word stays as it is.
type Rule = (Before, &'static str, Option<&'static str>);

/// Endings of plurals, with those of their singulars.
const OF_PLURALS: &[Rule] = &[
    (Word(&["m", "wom"]), "en", Some("an")),
    (Stem(&["pe"]), "ople", Some("rson")),
    (Stem(&["child"]), "ren", Some("")),
    (Stem(&["database", "drive"]), "s", Some("")),
    (Word(&[""]), "genera", Some("genus")),
    (Word(&["criteri"]), "a", Some("on")),
    (Stem(&["t", "i"]), "a", Some("um")),
    (Stem(&["analy", "ba", "diagno", "parenthe", "progno", "synop", "the"]), "ses", Some("sis")),
    (Stem(&["hi", "ti"]), "ves", Some("ve")),
    (Stem(&["curve"]), "s", Some("")),
    (Stem(&["l", "r"]), "ves", Some("f")),
    (Stem(&["a"]), "ves", Some("ve")),
    (Not("fo"), "ves", Some("fe")),
    (Stem(&["m"]), "ovies", Some("ovie")),
    (Not("aeiouy"), "ies", Some("y")),
    (Stem(&["qu"]), "ies", Some("y")),
    (Stem(&["s"]), "eries", Some("eries")),
    (Stem(&["x", "ch", "ss", "sh"]), "es", Some("")),
    (Stem(&["m", "l"]), "ice", Some("ouse")),
    (Stem(&["bus", "o"]), "es", Some("")),
    (Stem(&["cris", "ax", "test"]), "es", Some("is")),
    (Stem(&["octop", "vir"]), "uses", Some("us")),
    (Stem(&["alias", "canvas", "status", "campus"]), "es", Some("")),
    (Word(&["summons", "bonus"]), "es", Some("")),
    (Word(&["ox"]), "en", Some("")),
    (Stem(&["matr"]), "ices", Some("ix")),
    (Stem(&["vert", "ind"]), "ices", Some("ex")),
    (Word(&[""]), "feet", Some("foot")),
    (Word(&[""]), "teeth", Some("tooth")),
    (Word(&[""]), "geese", Some("goose")),
    (Stem(&["quiz"]), "zes", Some("")),
    (Word(&["whereas"]), "es", Some("")),
    (Stem(&["s"]), "s", Some("s")),
    (Stem(&[""]), "s", Some("")),
];

/// Endings of plurals that the rules of singulars would not leave alone.
const ALREADY_PLURAL: &[Rule] = &[
    (Word(&["men", "women", "oxen", "feet", "teeth", "geese", "criteria", "genera", "summonses", "bonuses", "whereases"]), "", None),
    (Stem(&["people", "children", "ta", "ia", "databases", "drives", "hives", "tives", "curves", "lves", "rves"]), "", None),
    (Stem(&["analyses", "bases", "diagnoses", "parentheses", "prognoses", "synopses", "theses"]), "", None),
    (Not("fo"), "ves", None),
    (Not("aeiouy"), "ies", None),
    (Stem(&["quies", "series", "movies", "xes", "ches", "sses", "shes", "mice", "lice", "buses", "oes"]), "", None),
    (Stem(&["crises", "axes", "testes", "octopuses", "viruses", "aliases", "canvases", "statuses", "campuses"]), "", None),
    (Stem(&["matrices", "quizzes"]), "", None),
];

/// Endings of singulars, with those of their plurals. A singular that they know stays as it is.
const OF_SINGULARS: &[Rule] = &[
    (Word(&["m", "wom"]), "an", Some("en")),
    (Stem(&["pe"]), "rson", Some("ople")),
    (Stem(&["child"]), "", Some("ren")),
    (Stem(&["drive"]), "", Some("s")),
    (Word(&["ox"]), "", Some("en")),
    (Stem(&["ax", "test"]), "is", Some("es")),
    (Stem(&["octop", "vir"]), "us", Some("uses")),
    (Stem(&["alias", "status", "canvas", "campus"]), "", Some("es")),
    (Word(&["summons", "bonus"]), "", Some("es")),
    (Stem(&["bu"]), "s", Some("ses")),
    (Stem(&["buffal", "tomat", "potat"]), "o", Some("oes")),
    (Stem(&["t", "i"]), "um", Some("a")),
    (Stem(&[""]), "sis", Some("ses")),
    (Not("f"), "fe", Some("ves")),
    (Stem(&["l", "r"]), "f", Some("ves")),
    (Stem(&["hi", "ti"]), "ve", Some("ves")),
    (Not("aeiouy"), "y", Some("ies")),
    (Stem(&["qu"]), "y", Some("ies")),
    (Stem(&["matr"]), "ix", Some("ices")),
    (Stem(&["vert", "ind"]), "ex", Some("ices")),
    (Stem(&["x", "ch", "ss", "sh"]), "", Some("es")),
    (Stem(&["m", "l"]), "ouse", Some("ice")),
    (Word(&[""]), "foot", Some("feet")),
    (Word(&[""]), "tooth", Some("teeth")),
    (Word(&[""]), "goose", Some("geese")),
    (Stem(&["quiz"]), "", Some("zes")),
    (Word(&["whereas"]), "", Some("es")),
    (Word(&["criteri"]), "on", Some("a")),
    (Word(&[""]), "genus", Some("genera")),
];

/// The plural of a name, as Sequelize makes it for tables and aliases.
#[must_use]
pub fn pluralize(name: &str) -> String {
    inflect(name, &[ALREADY_PLURAL, OF_SINGULARS, &[(Stem(&[""]), "s", Some("s"))]]).unwrap_or_else(|| format!("{name}s"))
}

/// The singular of a name, as Sequelize makes it for aliases and keys.
#[must_use]
pub fn singularize(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    if OF_SINGULARS.iter().any(|(before, ending, _)| ends(&lower, before, ending)) {
        return name.to_owned();
    }
    inflect(name, &[OF_PLURALS]).unwrap_or_else(|| name.to_owned())
}

/// The first rule that fits, applied; nothing where none does.
fn inflect(name: &str, rules: &[&[Rule]]) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    if UNCOUNTABLE.split(' ').any(|word| word == lower) {
        return Some(name.to_owned());
    }
    let (_, ending, put) = rules.iter().copied().flatten().find(|(before, ending, _)| ends(&lower, before, ending))?;
    Some(match put {
        Some(put) => format!("{}{put}", &name[..name.len() - ending.len()]),
        None => name.to_owned(),
    })
}

fn ends(lower: &str, before: &Before, ending: &str) -> bool {
    let Some(rest) = lower.strip_suffix(ending) else { return false };
    match before {
        Stem(stems) => stems.iter().any(|stem| rest.ends_with(stem)),
        Word(words) => words.contains(&rest),
        Not(letters) => rest.chars().next_back().is_some_and(|letter| !letters.contains(letter)),
    }
}

/// `userID` → `user_i_d`: every capital begins a word.
#[must_use]
pub fn underscore(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

/// `user_role_id` → `userRoleId`; the first letter stays as it is.
#[must_use]
pub fn camelize(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut raise = false;
    for letter in name.trim().chars() {
        if matches!(letter, '-' | '_') || letter.is_whitespace() {
            raise = true;
        } else if std::mem::take(&mut raise) {
            text.extend(letter.to_uppercase());
        } else {
            text.push(letter);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, plural and singular as `inflection` 1.13.4 gave them.
    const RECORDED: &str = include_str!("inflection/recorded.txt");

    #[test]
    fn plurals_and_singulars_are_those_of_the_package() {
        let wrong: Vec<String> = RECORDED
            .lines()
            .filter_map(|line| {
                let name = line.split(' ').next().unwrap_or_default();
                let got = format!("{name} {} {}", pluralize(name), singularize(name));
                (got != line).then(|| format!("{line}: {got}"))
            })
            .collect();
        assert_eq!(wrong, Vec::<String>::new());
        assert_eq!(RECORDED.lines().count(), 184);
    }

    #[test]
    fn cases_are_those_of_the_package() {
        for (name, snake) in [("userID", "user_i_d"), ("HTTPLog", "h_t_t_p_log"), ("Two__Bars", "two___bars"), ("line2Text", "line2_text")]
        {
            assert_eq!(underscore(name), snake);
        }
        for (name, camel) in [("user_role_id", "userRoleId"), ("HTTPLog_id", "HTTPLogId"), ("User__id", "UserId"), ("a-b c", "aBC")] {
            assert_eq!(camelize(name), camel);
        }
    }
}

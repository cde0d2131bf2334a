//! Alphabets and decimal separators.

use super::super::Subject;
use super::super::arguments::Given;
use sequor_core::{Result, Value};

/// The letters of a locale.
struct Alphabet {
    locales: &'static [&'static str],
    /// Those of A to Z that belong to it.
    latin: &'static str,
    /// The other letters, `-` between two of them for a range; lower case counts too.
    letters: &'static str,
    /// Digits and signs that `isAlphanumeric` takes.
    digits: &'static str,
}

const fn latin(locales: &'static [&'static str], letters: &'static str) -> Alphabet {
    Alphabet { locales, latin: "A-Z", letters, digits: "0-9" }
}

const fn script(locales: &'static [&'static str], letters: &'static str, digits: &'static str) -> Alphabet {
    Alphabet { locales, latin: "", letters, digits }
}

const ARABIC: &[&str] = &[
    "ar", "ar-AE", "ar-BH", "ar-DZ", "ar-EG", "ar-IQ", "ar-JO", "ar-KW", "ar-LB", "ar-LY", "ar-MA", "ar-QA", "ar-QM", "ar-SA", "ar-SD",
    "ar-SY", "ar-TN", "ar-YE",
];

static ALPHABETS: &[Alphabet] = &[
    latin(&["en-US", "en-AU", "en-GB", "en-HK", "en-IN", "en-NZ", "en-ZA", "en-ZM"], ""),
    Alphabet { latin: "A-VX-Z", ..latin(&["az-AZ"], "ÇĞİıÖŞÜƏ") },
    latin(&["cs-CZ"], "ÁČĎÉĚÍŇÓŘŠŤÚŮÝŽ"),
    latin(&["da-DK", "nb-NO", "nn-NO"], "ÆØÅ"),
    latin(&["de-DE"], "ÄÖÜß"),
    Alphabet { latin: "A-PR-VZ", ..latin(&["eo"], "ĈĜĤĴŜŬ") },
    latin(&["es-ES"], "ÁÉÍÑÓÚÜ"),
    latin(&["fi-FI", "sv-SE"], "ÅÄÖ"),
    latin(&["fr-FR", "fr-CA"], "ÀÂÆÇÉÈÊËÏÎÔŒÙÛÜŸ"),
    latin(&["hu-HU"], "ÁÉÍÓÖŐÚÜŰ"),
    latin(&["it-IT"], "ÀÉÈÌÎÓÒÙ"),
    latin(&["nl-NL"], "ÁÉËÏÓÖÜÚ"),
    latin(&["pl-PL", "pl-Pl"], "ĄĆĘŚŁŃÓŻŹ"),
    latin(&["pt-PT", "pt-BR"], "ÃÁÀÂÄÇÉÊËÍÏÕÓÔÖÚÜ"),
    latin(&["sk-SK"], "ÁČĎÉÍŇÓŠŤÚÝŽĹŔĽÄÔ"),
    latin(&["sl-SI", "sr-RS@latin"], "ČĆĐŠŽ"),
    latin(&["tr-TR"], "ÇĞİıÖŞÜ"),
    latin(&["vi-VN"], "ÀÁẠẢÃÂẦẤẬẨẪĂẰẮẶẲẴĐÈÉẸẺẼÊỀẾỆỂỄÌÍỊỈĨÒÓỌỎÕÔỒỐỘỔỖƠỜỚỢỞỠÙÚỤỦŨƯỪỨỰỬỮỲÝỴỶỸ"),
    script(&["bg-BG"], "А-Я", "0-9"),
    script(&["ru-RU"], "А-ЯЁ", "0-9"),
    script(&["kk-KZ"], "А-ЯЁӘҰІҢҒҮҚӨҺ", "0-9"),
    script(&["sr-RS"], "А-ЯЂЈЉЊЋЏ", "0-9"),
    // With the Latin I, which is common in Ukrainian text, and its lower case.
    script(&["uk-UA"], "А-ЩЬЮЯЄIЇҐі", "0-9"),
    script(&["el-GR"], "Α-ώ", "0-9"),
    script(&["he"], "א-ת", "0-9"),
    script(ARABIC, "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيًٌٍَُِّْٰ", "0-9٠-٩"),
    script(&["fa", "fa-AF"], "آاءأؤئبپتثجچحخدذرزژسشصضطظعغفقکگلمنوهةی'", "0-9۰-۹"),
    script(&["fa-IR"], "ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی", "0-9آءأؤئة۰-۹'"),
    script(&["ku-IQ"], "ئابپتجچحخدرڕزژسشعغفڤقکگلڵمنوۆھەیێيطؤثآإأكضصةظذ", "0-9٠-٩"),
    script(&["bn", "bn-BD", "bn-IN"], "ঀঁংঃঅআইঈউঊঋঌএঐওঔকখগঘঙচছজঝঞটঠডঢণতথদধনপফবভমযরলশষসহ়ঽািীুূৃৄেৈোৌ্ৎৗ\u{9DC}\u{9DD}\u{9DF}ৠৡৢৣৰৱ৲৳৴৵৶৷৸৹৺৻'", "০-৯"),
    script(&["hi-IN"], "\u{900}-\u{961}\u{972}-\u{97F}", "\u{962}-\u{963}\u{966}-\u{971}"),
    script(&["si-LK"], "\u{D80}-\u{DFF}", "0-9"),
    script(&["ta-IN"], "\u{B80}-\u{BFF}", "0-9."),
    script(&["te-IN"], "\u{C00}-\u{C7F}", "0-9."),
    script(&["kn-IN"], "\u{C80}-\u{CFF}", "0-9."),
    script(&["ml-IN"], "\u{D00}-\u{D7F}", "0-9."),
    script(&["gu-IN"], "\u{A80}-\u{AFF}", "0-9."),
    script(&["pa-IN"], "\u{A00}-\u{A7F}", "0-9."),
    script(&["or-IN"], "\u{B00}-\u{B7F}", "0-9."),
    script(&["th-TH"], "ก-๐ \t\n\r", "๑-๙"),
    script(&["ja-JP"], "ぁ-んァ-ヶｦ-ﾟ一-龠ー・。、", "0-9０-９"),
    script(&["ko-KR"], "ㄱ-ㅎㅏ-ㅣ가-힣", "0-9"),
];

/// Locales that write a comma before the fraction.
const COMMA: &[&str] = &[
    "bg-BG",
    "cs-CZ",
    "da-DK",
    "de-DE",
    "el-GR",
    "en-ZM",
    "eo",
    "es-ES",
    "fr-CA",
    "fr-FR",
    "gu-IN",
    "hi-IN",
    "hu-HU",
    "id-ID",
    "it-IT",
    "kk-KZ",
    "kn-IN",
    "ku-IQ",
    "ml-IN",
    "nb-NO",
    "nl-NL",
    "nn-NO",
    "or-IN",
    "pa-IN",
    "pl-PL",
    "pl-Pl",
    "pt-BR",
    "pt-PT",
    "ru-RU",
    "si-LK",
    "sl-SI",
    "sr-RS",
    "sr-RS@latin",
    "sv-SE",
    "ta-IN",
    "te-IN",
    "tr-TR",
    "uk-UA",
    "vi-VN",
];
const POINT: &[&str] = &["en-US", "en-AU", "en-GB", "en-HK", "en-IN", "en-NZ", "en-ZA", "ar-EG", "ar-LB", "ar-LY", "bn-BD", "bn-IN"];
const FARSI: &[&str] = &["fa-AF", "fa-IR"];

/// The locales of `isAlpha` and `isAlphanumeric`.
pub(super) fn locales() -> Vec<&'static str> {
    ALPHABETS.iter().flat_map(|alphabet| alphabet.locales).copied().collect()
}

/// The locales whose decimal separator is known.
pub(in super::super) fn decimal_locales() -> Vec<&'static str> {
    let arabic = ARABIC.iter().filter(|locale| !POINT.contains(locale));
    POINT.iter().chain(COMMA).chain(arabic).chain(FARSI).copied().collect()
}

/// What stands before the fraction of a number.
pub(in super::super) fn decimal_separator(locale: &str) -> char {
    if COMMA.contains(&locale) {
        ','
    } else if POINT.contains(&locale) || !(ARABIC.contains(&locale) || FARSI.contains(&locale)) {
        '.'
    } else {
        '٫'
    }
}

impl Alphabet {
    fn of(locale: &str) -> Option<&'static Alphabet> {
        ALPHABETS.iter().find(|alphabet| alphabet.locales.contains(&locale))
    }

    fn has(&self, letter: char) -> bool {
        among(self.latin, letter) || among(self.letters, letter)
    }
}

/// Whether a letter, its upper or its lower case is in a list with ranges.
fn among(list: &str, letter: char) -> bool {
    let single = |mut cases: Box<dyn Iterator<Item = char>>| cases.next().filter(|_| cases.next().is_none()).unwrap_or(letter);
    let (upper, lower) = (single(Box::new(letter.to_uppercase())), single(Box::new(letter.to_lowercase())));
    let mut rest = list.chars().peekable();
    while let Some(first) = rest.next() {
        let last = if rest.next_if_eq(&'-').is_some() { rest.next().unwrap_or(first) } else { first };
        if [letter, upper, lower].iter().any(|case| (first..=last).contains(case)) {
            return true;
        }
    }
    false
}

fn all(subject: &Subject<'_>, args: &[Value], digits: bool) -> bool {
    let args = Given(args);
    let locale = args.text(0, "locale").unwrap_or_else(|| "en-US".into());
    let Some(alphabet) = Alphabet::of(&locale) else { return false };
    let ignored = args.text(1, "ignore").unwrap_or_default();
    let mut letters = subject.text().chars().filter(|letter| !ignored.contains(*letter)).peekable();
    letters.peek().is_some() && letters.all(|letter| alphabet.has(letter) || digits && among(alphabet.digits, letter))
}

pub(super) fn is_alpha(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    Ok(all(subject, args, false))
}

pub(super) fn is_alphanumeric(subject: &Subject<'_>, args: &[Value]) -> Result<bool> {
    Ok(all(subject, args, true))
}

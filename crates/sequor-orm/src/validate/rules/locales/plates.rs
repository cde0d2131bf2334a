//! The forms of license plates.

/// Locales and the form of their plates.
pub(super) const PLATES: &[(&str, &str)] = &[
    ("cs-CZ", "([A-FHIJKLMNPRSTUVXYZ0-9]-?){5,8}"),
    ("de-LI", "FL[- ]?[0-9]{1,5}[UZ]?"),
    ("en-IN", "[A-Z]{2}[ -]?[0-9]{1,2}[ -]?[A-Z][ -]?[A-Z]*[ -]?[0-9]{4}"),
    ("en-PK", r"([A-Z]{2,4}[\s-]?[0-9]{3,4}|[A-Z][\s-]?[0-9]{4})([\s-][0-9]{2})?"),
    ("en-SG", "[A-Z]{3}[ -]?[0-9]{4}[ -]?[A-Z]"),
    ("es-AR", "([A-Z]{2} ?[0-9]{3} ?[A-Z]{2}|[A-Z]{3} ?[0-9]{3})"),
    ("fi-FI", r"(?=.{4,7}$)([A-Z]{1,3}|[0-9]{1,3})[\s-]?([A-Z]{1,3}|[0-9]{1,5})"),
    ("hu-HU", HUNGARIAN),
    ("pt-BR", "[A-Z]{3}[ -]?([0-9][A-Z][0-9]{2}|[0-9]{4})"),
    (
        "pt-PT",
        "(?=.*[A-Z])(?=.*[0-9].*[0-9])([A-Z]{2}[ ·-]?[0-9]{2}[ ·-]?([0-9]{2}|[A-Z]{2})|[0-9]{2}[ ·-]?([A-Z]{2}[ ·-]?[0-9]{2}|[0-9]{2}[ ·-]?[A-Z]{2}))",
    ),
    ("sq-AL", "[A-Z]{2}[- ]?([0-9]{3}[- ]?([A-Z]{2}|T)|R[- ]?[0-9]{3})"),
    ("sv-SE", "([A-HJ-PR-UW-Z]{3} ?[0-9]{2}[A-HJ-PR-UW-Z1-9]|[A-ZÅÄÖ ]{2,7})"),
];

/// Common plates, then those of special vehicles.
const HUNGARIAN: &str = r"(((?!AAA)[A-NPR-TV-Z][A-PR-Z][A-HJ-NPR-Z]|A[ABC]I|A[ABC]O|A[A-W]Q|BP[IO]|UCO|UDO|XAO)-(?!000)\d{3}|M\d{6}|(CK|DT|CD|HC|H[ABEFIKLMNPRSTVX]|MA|OT|SP|R[A-Z]) \d{2}-\d{2}|CD \d{3}-\d{3}|C-[CX] \d{4}|X-[ABC] \d{4}|[EPVZ]-\d{5}|S A[A-Z]{2} \d{2})";

/// The expression of a German plate: district, letters, digits, and a mark for electric and historic cars.
pub(super) fn german() -> String {
    let (short, long) = (SHORT.replace(' ', "|"), LONG.replace(' ', "|"));
    let space = "[- ]?";
    format!(
        "^(({short}){space}[A-Z]{{1,2}}{space}[0-9]{{1,4}}|({long}){space}([A-Z]{space}[0-9]{{1,4}}|[A-Z]{{2}}{space}[0-9]{{1,3}})){space}[EH]?$"
    )
}

/// The districts in one and two letters.
const SHORT: &str = "A AA AB AC AE AH AK AM AN AÖ AP AS AT AU AW AZ B BA BB BC BE BF BH BI BK BL BM BN BO BÖ BS BT BZ C CA CB CE CO CR CW D DA DD DE DH DI DL DM \
    DN DO DU DW DZ E EA EB ED EE EF EG EH EI EL EM EN ER ES EU EW F FB FD FF FG FI FL FN FO FR FS FT FÜ FW FZ G GA GC GD GE GF GG GI GK GL GM GN \
    GÖ GP GR GS GT GÜ GV GW GZ H HA HB HC HD HE HF HG HH HI HK HL HM HN HO HP HR HS HU HV HX HY HZ IK IL IN IZ J JE JL K KA KB KC KE KF KG KH KI \
    KK KL KM KN KO KR KS KT KU KW KY L LA LB LC LD LF LG LH LI LL LM LN LÖ LP LR LU M MA MB MC MD ME MG MH MI MK ML MM MN MO MQ MR MS MÜ MW MY \
    MZ N NB ND NE NF NH NI NK NM NÖ NP NR NT NU NW NY NZ OA OB OC OD OE OF OG OH OK OL OP OS OZ P PA PB PE PF PI PL PM PN PR PS PW PZ R RA RC RD \
    RE RG RH RI RL RM RN RO RP RS RT RU RV RW RZ S SB SC SE SG SI SK SL SM SN SO SP SR ST SU SW SY SZ TE TF TG TO TP TR TS TT TÜ ÜB UE UH UL UM \
    UN V VB VG VK VR VS W WA WB WE WF WI WK WL WM WN WO WR WS WT WÜ WW WZ Z ZE ZI ZP ZR ZW ZZ";

/// The districts in three letters.
const LONG: &str = "ABG ABI AIB AIC ALF ALZ ANA ANG ANK APD ARN ART ASL ASZ AUR AZE BAD BAR BBG BCH BED BER BGD BGL BID BIN BIR BIT BIW BKS BLB BLK BNA BOG BOH \
    BOR BOT BRA BRB BRG BRK BRL BRV BSB BSK BTF BÜD BUL BÜR BÜS BÜZ CAS CHA CLP CLZ COC COE CUX DAH DAN DAU DBR DEG DEL DGF DIL DIN DIZ DKB DLG \
    DON DUD DÜW EBE EBN EBS ECK EIC EIL EIN EIS EMD EMS ERB ERH ERK ERZ ESB ESW FDB FDS FEU FFB FKB FLÖ FOR FRG FRI FRW FTL FÜS GAN GAP GDB GEL \
    GEO GER GHA GHC GLA GMN GNT GOA GOH GRA GRH GRI GRM GRZ GTH GUB GUN GVM HAB HAL HAM HAS HBN HBS HCH HDH HDL HEB HEF HEI HER HET HGN HGW HHM \
    HIG HIP HMÜ HOG HOH HOL HOM HOR HÖS HOT HRO HSK HST HVL HWI IGB ILL JÜL KEH KEL KEM KIB KLE KLZ KÖN KÖT KÖZ KRU KÜN KUS KYF LAN LAU LBS LBZ \
    LDK LDS LEO LER LEV LIB LIF LIP LÖB LOS LRO LSZ LÜN LUP LWL MAB MAI MAK MAL MED MEG MEI MEK MEL MER MET MGH MGN MHL MIL MKK MOD MOL MON MOS \
    MSE MSH MSP MST MTK MTL MÜB MÜR MYK MZG NAB NAI NAU NDH NEA NEB NEC NEN NES NEW NMB NMS NOH NOL NOM NOR NVP NWM OAL OBB OBG OCH OHA ÖHR OHV \
    OHZ OPR OSL OVI OVL OVP PAF PAN PAR PCH PEG PIR PLÖ PRÜ QFT QLB RDG REG REH REI RID RIE ROD ROF ROK ROL ROS ROT ROW RSL RÜD RÜG SAB SAD SAN \
    SAW SBG SBK SCZ SDH SDL SDT SEB SEE SEF SEL SFB SFT SGH SHA SHG SHK SHL SIG SIM SLE SLF SLK SLN SLS SLÜ SLZ SMÜ SOB SOG SOK SÖM SON SPB SPN \
    SRB SRO STA STB STD STE STL SUL SÜW SWA SZB TBB TDO TET TIR TÖL TUT UEM UER UFF USI VAI VEC VER VIB VIE VIT VOH WAF WAK WAN WAR WAT WBS WDA \
    WEL WEN WER WES WHV WIL WIS WIT WIZ WLG WMS WND WOB WOH WOL WOR WOS WRN WSF WST WSW WTL WTM WUG WÜM WUN WUR WZL ZEL ZIG";

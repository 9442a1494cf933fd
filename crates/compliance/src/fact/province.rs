//! The provincial-level divisions of China.

/// Their names in the vocabulary.
pub(super) const PROVINCES: &[&str] = &[
    "beijing",
    "tianjin",
    "hebei",
    "shanxi",
    "inner_mongolia",
    "liaoning",
    "jilin",
    "heilongjiang",
    "shanghai",
    "jiangsu",
    "zhejiang",
    "anhui",
    "fujian",
    "jiangxi",
    "shandong",
    "henan",
    "hubei",
    "hunan",
    "guangdong",
    "guangxi",
    "hainan",
    "chongqing",
    "sichuan",
    "guizhou",
    "yunnan",
    "tibet",
    "shaanxi",
    "gansu",
    "qinghai",
    "ningxia",
    "xinjiang",
    "taiwan",
    "hong_kong",
    "macau",
];

/// Their letter codes (GB/T 2260), in the same order.
const CODES: [&str; PROVINCES.len()] = [
    "BJ", "TJ", "HE", "SX", "NM", "LN", "JL", "HL", "SH", "JS", "ZJ", "AH", "FJ", "JX", "SD", "HA",
    "HB", "HN", "GD", "GX", "HI", "CQ", "SC", "GZ", "YN", "XZ", "SN", "GS", "QH", "NX", "XJ", "TW",
    "HK", "MO",
];

/// The name that a letter code stands for: practitioners write either.
pub(super) fn name_of(code: &str) -> Option<&'static str> {
    CODES
        .iter()
        .zip(PROVINCES)
        .find(|(known, _)| **known == code)
        .map(|(_, name)| *name)
}

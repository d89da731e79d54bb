//! Weight formats in order of precision: the table that a quantization floor is checked against.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Names as the router spells them, with bits per weight; coarsest first. Formats of the same width count as equally
/// fine, because the benefit of block scales or floats over integers is not published per endpoint.
const TABLE: [(&str, u8); 11] = [
    ("int4", 4),
    ("fp4", 4),
    ("mxfp4", 4),
    ("nvfp4", 4),
    ("fp6", 6),
    ("int8", 8),
    ("fp8", 8),
    ("mxfp8", 8),
    ("fp16", 16),
    ("bf16", 16),
    ("fp32", 32),
];

/// A known weight format; `unknown` is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub struct Quantization(usize);

impl Quantization {
    /// All formats, coarsest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..TABLE.len()).map(Self)
    }

    /// The router's name: `fp8`.
    pub fn as_str(self) -> &'static str {
        TABLE[self.0].0
    }

    /// Bits per weight.
    pub fn bits(self) -> u8 {
        TABLE[self.0].1
    }

    /// Whether it is at least as fine as a floor.
    pub fn reaches(self, floor: Self) -> bool {
        self.bits() >= floor.bits()
    }

    /// All formats that are at least as fine as this one.
    pub fn and_finer(self) -> Vec<Self> {
        Self::all().filter(|one| one.reaches(self)).collect()
    }
}

impl fmt::Display for Quantization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Quantization> for &'static str {
    fn from(quantization: Quantization) -> Self {
        quantization.as_str()
    }
}

impl TryFrom<String> for Quantization {
    type Error = String;
    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl FromStr for Quantization {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        let known = || Self::all().map(Self::as_str).collect::<Vec<_>>().join(", ");
        Self::all()
            .find(|one| one.as_str() == name)
            .ok_or_else(|| format!("unknown quantization `{name}`: one of {}", known()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_admits_its_own_width_and_finer_ones() {
        let floor: Quantization = "fp8".parse().expect("known");
        let names: Vec<&str> = floor.and_finer().into_iter().map(Quantization::as_str).collect();
        assert_eq!(names, ["int8", "fp8", "mxfp8", "fp16", "bf16", "fp32"]);
        assert!("unknown".parse::<Quantization>().is_err_and(|why| why.contains("nvfp4")));
        assert!(Quantization::all().is_sorted_by_key(Quantization::bits));
    }
}

//! Hard limits on the endpoints that a preference may admit.

use super::ids::names;
use super::quantization::Quantization;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::str::FromStr;
use utoipa::ToSchema;

/// The limits that an endpoint must meet to be used at all. An unknown value violates a limit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema, Args)]
#[serde(default, deny_unknown_fields)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// Coarsest weight format.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "fp8")]
    #[arg(skip)]
    pub quant_floor: Option<Quantization>,
    /// Prompts are not used for training.
    #[serde(skip_serializing_if = "is_off")]
    #[arg(long, help = "Prompts must not be used for training")]
    pub no_training: bool,
    /// Prompts are not retained.
    #[serde(skip_serializing_if = "is_off")]
    #[arg(long, help = "Prompts must not be retained")]
    pub no_retention: bool,
    /// Zero data retention as the router defines it; prompts are neither retained nor used for training.
    #[serde(skip_serializing_if = "is_off")]
    #[arg(long, help = "Zero data retention; also sent to the router")]
    pub zdr: bool,
    /// Request parameters that must be supported, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    #[arg(help = "Request parameters that an endpoint must support, such as tools,response_format")]
    pub parameters: Vec<String>,
    /// Minimum context length, tokens; an endpoint that accepts only shorter prompts violates this limit, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "TOKENS", help = "Minimum context length, in tokens")]
    pub context: Option<i64>,
    /// Region: `eu`, `us`, or a region name as the upstream spells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "REGION", help = "Region: eu, us, or the name of a region")]
    pub region: Option<String>,
    /// Highest list price of prompt tokens, USD per million.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "USD", help = "Maximum list price of prompt tokens, USD per million")]
    pub max_input: Option<f64>,
    /// Highest list price of completion tokens, USD per million.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[arg(long, value_name = "USD", help = "Maximum list price of completion tokens, USD per million")]
    pub max_output: Option<f64>,
    /// Minimum availability over a day, or minimum uptime if availability is not published; fraction.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[arg(
        long,
        value_name = "SHARE",
        help = "Minimum availability over a day, or uptime if availability is not published, 0 to 1"
    )]
    pub min_availability: Option<f64>,
}

// serde passes a reference.
fn is_off(flag: &bool) -> bool {
    !flag
}

names! {
    /// One of the limits, in the order of the table in the documentation.
    #[allow(missing_docs, reason = "each is the field of `Limits` of that name")]
    Limit {
        QuantFloor = "quant_floor",
        NoTraining = "no_training",
        NoRetention = "no_retention",
        Zdr = "zdr",
        Parameters = "parameters",
        Context = "context",
        Region = "region",
        MaxInput = "max_input",
        MaxOutput = "max_output",
        MinAvailability = "min_availability",
    }
}

impl Limits {
    /// Reads limits from the fields of a form or of an address, in the canonical form of [`Limits::checked`]. The fields
    /// have the names of the limits; an empty field is absent, and parameters are separated by commas.
    ///
    /// # Errors
    /// One message for each invalid field, with its name and the expected value.
    pub fn from_fields<'a>(field: impl Fn(Limit) -> Option<&'a str>) -> Result<Self, Vec<String>> {
        let fields = Fields { field, errors: RefCell::default() };
        let limits = Self {
            quant_floor: fields.parsed(Limit::QuantFloor, "a weight format such as fp8"),
            no_training: fields.is_on(Limit::NoTraining),
            no_retention: fields.is_on(Limit::NoRetention),
            zdr: fields.is_on(Limit::Zdr),
            parameters: fields.names(Limit::Parameters),
            context: fields.parsed(Limit::Context, "a number of tokens, 1 or more"),
            region: fields.text(Limit::Region).map(str::to_owned),
            max_input: fields.parsed(Limit::MaxInput, "USD per million tokens, 0 or more"),
            max_output: fields.parsed(Limit::MaxOutput, "USD per million tokens, 0 or more"),
            min_availability: fields.parsed(Limit::MinAvailability, "a fraction from 0 to 1"),
        };
        let mut errors = fields.errors.into_inner();
        match limits.checked() {
            Ok(limits) if errors.is_empty() => Ok(limits),
            checked => {
                errors.extend(checked.err());
                Err(errors)
            }
        }
    }

    /// The limits that are set, each with its value as [`Limits::from_fields`] reads it.
    pub fn fields(&self) -> Vec<(Limit, String)> {
        let flag = |set: bool| set.then(|| "true".to_owned());
        let number = |value: Option<f64>| value.map(|value| value.to_string());
        let parameters = (!self.parameters.is_empty()).then(|| self.parameters.join(","));
        let all = [
            (Limit::QuantFloor, self.quant_floor.map(|floor| floor.to_string())),
            (Limit::NoTraining, flag(self.no_training)),
            (Limit::NoRetention, flag(self.no_retention)),
            (Limit::Zdr, flag(self.zdr)),
            (Limit::Parameters, parameters),
            (Limit::Context, self.context.map(|tokens| tokens.to_string())),
            (Limit::Region, self.region.clone()),
            (Limit::MaxInput, number(self.max_input)),
            (Limit::MaxOutput, number(self.max_output)),
            (Limit::MinAvailability, number(self.min_availability)),
        ];
        all.into_iter().filter_map(|(limit, value)| Some((limit, value?))).collect()
    }

    /// Whether there are no limits.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The same limits in canonical form, for comparison and storage: parameters sorted, without duplicates.
    ///
    /// # Errors
    /// Impossible values: a context below one token, a price below 0, an availability outside 0..1, an empty parameter
    /// or region. The message names the limit and the expected value.
    pub fn checked(mut self) -> Result<Self, String> {
        let price = |name: Limit, price: Option<f64>| match price {
            Some(price) if !price.is_finite() || price < 0.0 => {
                Err(format!("`{name}` is {price}: expected USD per million tokens, 0 or more"))
            }
            _ => Ok(()),
        };
        price(Limit::MaxInput, self.max_input)?;
        price(Limit::MaxOutput, self.max_output)?;
        if let Some(context) = self.context.filter(|context| *context < 1) {
            return Err(format!("`context` is {context}: expected a number of tokens, 1 or more"));
        }
        if let Some(share) = self.min_availability.filter(|share| !(0.0..=1.0).contains(share)) {
            return Err(format!(
                "`min_availability` is {share}: expected a fraction from 0 to 1 (0.99 is 99 %)"
            ));
        }
        let plain = |text: &String| {
            !text.is_empty() && text.len() <= 60 && text.chars().all(|c| c.is_ascii_graphic())
        };
        if let Some(region) = self.region.as_ref().filter(|region| !plain(region)) {
            return Err(format!(
                "`region` is `{region}`: expected eu, us, or a region name such as us-east-1"
            ));
        }
        if self.parameters.len() > 50 || !self.parameters.iter().all(plain) {
            return Err(
                "`parameters` must be names separated by commas, such as tools,response_format".to_owned()
            );
        }
        self.region = self.region.map(|region| region.to_ascii_lowercase());
        self.parameters.sort();
        self.parameters.dedup();
        Ok(self)
    }
}

/// The fields of a form, and what is wrong with them.
struct Fields<F> {
    field: F,
    errors: RefCell<Vec<String>>,
}

/// Longest value that is repeated in an error, characters.
const LONGEST_ECHO: usize = 60;

impl<'a, F: Fn(Limit) -> Option<&'a str>> Fields<F> {
    fn text(&self, limit: Limit) -> Option<&'a str> {
        (self.field)(limit).map(str::trim).filter(|text| !text.is_empty())
    }

    fn refuse(&self, limit: Limit, text: &str, expected: &str) {
        let shown: String = text.chars().take(LONGEST_ECHO).collect();
        self.errors.borrow_mut().push(format!("`{limit}` is `{shown}`: expected {expected}"));
    }

    fn parsed<T: FromStr>(&self, limit: Limit, expected: &str) -> Option<T> {
        let text = self.text(limit)?;
        let value = text.parse().ok();
        if value.is_none() {
            self.refuse(limit, text, expected);
        }
        value
    }

    fn is_on(&self, limit: Limit) -> bool {
        match self.text(limit) {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => {
                self.refuse(limit, other, "true or false");
                false
            }
        }
    }

    fn names(&self, limit: Limit) -> Vec<String> {
        let names = self.text(limit).into_iter().flat_map(|list| list.split(',')).map(str::trim);
        names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }
}

/// Names of Azure regions do not begin with the continent.
const EUROPE: [&str; 12] = [
    "swedencentral",
    "northeurope",
    "westeurope",
    "francecentral",
    "francesouth",
    "germanywestcentral",
    "germanynorth",
    "polandcentral",
    "italynorth",
    "spaincentral",
    "eu",
    "europe",
];
const UNITED_STATES: [&str; 9] = [
    "eastus",
    "eastus2",
    "westus",
    "westus2",
    "westus3",
    "centralus",
    "northcentralus",
    "southcentralus",
    "us",
];

/// Whether a region, as the upstream names it, lies in the requested one: the names are equal, or the request is `eu`
/// or `us` and the region is known to be in the European Union or the United States. `global` is in neither.
pub fn region_is_in(region: &str, asked: &str) -> bool {
    let (region, asked) = (region.to_ascii_lowercase(), asked.to_ascii_lowercase());
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| region.starts_with(prefix));
    region == asked
        || match asked.as_str() {
            // Google's europe-west2 is London, europe-west6 Zurich; Amazon's eu-west-2 London, eu-central-2 Zurich.
            "eu" => {
                let outside = ["europe-west2", "europe-west6", "eu-west-2", "eu-central-2"];
                !outside.contains(&region.as_str())
                    && (EUROPE.contains(&region.as_str()) || starts(&["eu-", "europe-"]))
            }
            "us" => {
                !region.starts_with("us-gov")
                    && (UNITED_STATES.contains(&region.as_str()) || starts(&["us-"]))
            }
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_lie_where_they_are() {
        for (region, asked, is_in) in [
            ("swedencentral", "eu", true),
            ("europe-west4", "eu", true),
            ("eu-west-1", "EU", true),
            ("europe-west2", "eu", false),
            ("global", "eu", false),
            ("us-east5", "us", true),
            ("us-east5", "us-east5", true),
            ("us-east5", "us-east", false),
            ("eu", "us", false),
        ] {
            assert_eq!(region_is_in(region, asked), is_in, "{region} in {asked}");
        }
    }

    #[test]
    fn fields_become_limits_and_limits_fields() {
        let read = |pairs: &[(&str, &'static str)]| {
            let pairs: Vec<(String, &'static str)> =
                pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
            Limits::from_fields(move |limit| {
                pairs.iter().find(|(name, _)| *name == limit.as_str()).map(|(_, value)| *value)
            })
        };
        let set = [
            ("quant_floor", "fp8"),
            ("no_training", "true"),
            ("zdr", "false"),
            ("parameters", " tools, seed ,,tools"),
            ("context", "128000"),
            ("region", "EU"),
            ("max_input", ""),
            ("min_availability", "0.99"),
        ];
        let limits = read(&set).expect("valid");
        assert_eq!(limits.parameters, ["seed", "tools"]);
        assert_eq!((limits.context, limits.region.as_deref()), (Some(128_000), Some("eu")));
        assert!(limits.no_training && !limits.zdr && limits.max_input.is_none());
        let fields = limits.fields();
        let again = Limits::from_fields(|limit| {
            fields.iter().find(|(own, _)| *own == limit).map(|(_, value)| value.as_str())
        });
        assert_eq!(again, Ok(limits));
        let wrong =
            read(&[("context", "many"), ("zdr", "maybe"), ("quant_floor", "fp7"), ("max_input", "-1")]);
        let errors = wrong.expect_err("refused");
        for part in ["`context` is `many`", "`zdr` is `maybe`", "`quant_floor` is `fp7`", "`max_input` is -1"]
        {
            assert!(errors.iter().any(|error| error.contains(part)), "{part}: {errors:?}");
        }
        assert_eq!(read(&[]), Ok(Limits::default()));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        let refused = |limits: Limits| limits.checked().expect_err("refused");
        assert!(refused(Limits { max_input: Some(-1.0), ..Limits::default() }).contains("`max_input` is -1"));
        assert!(refused(Limits { max_output: Some(f64::NAN), ..Limits::default() }).contains("max_output"));
        assert!(refused(Limits { context: Some(0), ..Limits::default() }).contains("`context` is 0"));
        assert!(
            refused(Limits { min_availability: Some(99.0), ..Limits::default() }).contains("0.99 is 99 %")
        );
        assert!(refused(Limits { region: Some(String::new()), ..Limits::default() }).contains("region"));
        let parameters = vec!["tools".to_owned(), "seed".to_owned(), "tools".to_owned()];
        let sorted = Limits { parameters, ..Limits::default() }.checked().expect("fine");
        assert_eq!(sorted.parameters, ["seed", "tools"]);
        assert!(!sorted.is_empty() && Limits::default().checked().is_ok_and(|none| none.is_empty()));
    }
}

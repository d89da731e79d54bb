//! The query parameters of all preference routes: mode, workload, target, limits.

use crate::domain::limits::Limits;
use crate::preferences::targets::Target;
use crate::preferences::{Mode, PreferenceOptions};

/// The requested preference, parsed from a query.
pub(super) struct PreferenceRequest<'a> {
    pub mode: Mode,
    pub workload: &'a str,
    pub target: &'static Target,
    pub limits: Limits,
}

impl PreferenceRequest<'_> {
    pub fn options(&self) -> PreferenceOptions<'_> {
        PreferenceOptions { mode: self.target.mode(self.mode), workload: self.workload, limits: &self.limits }
    }
}

/// A query struct with the parameters of a preference besides its own, and the target if it is named. A flattened struct
/// would accept misspelt parameters.
macro_rules! preference_query {
    ($(#[$about:meta])* $name:ident { $($(#[$own_about:meta])* $own:ident: $type:ty,)* } [$($target:ident)?]) => {
        $(#[$about])*
        #[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub(super) struct $name {
            $($(#[$own_about])* pub $own: $type,)*
            /// How strict the preference is. `order` turns off the router's sticky routing. Default: `shortlist`; in
            /// earlier versions it was `avoid`, so name the mode if you depend on it.
            #[serde(default, deserialize_with = "crate::api::request::named")]
            mode: Option<crate::preferences::Mode>,
            /// The workload whose session cost ranks the endpoints: a name from `/api/v1/workloads`, or `traffic` for
            /// the mix that the endpoints serve. Default: the first workload.
            workload: Option<String>,
            $(/// The target to write the preference for, a name from `/api/v1/targets`. Default: `openrouter`.
            #[serde(default, deserialize_with = "crate::api::request::named")]
            #[param(value_type = Option<String>)]
            $target: Option<&'static crate::preferences::targets::Target>,)?
            /// Limit: coarsest accepted weight format, such as `fp8`.
            #[serde(default, deserialize_with = "crate::api::request::named")]
            #[param(value_type = Option<String>)]
            quant_floor: Option<crate::domain::quantization::Quantization>,
            /// Limit: prompts must not be used for training.
            no_training: Option<bool>,
            /// Limit: prompts must not be retained.
            no_retention: Option<bool>,
            /// Limit: zero data retention.
            zdr: Option<bool>,
            /// Limit: request parameters that an endpoint must support, separated by commas.
            parameters: Option<String>,
            /// Limit: minimum context length, tokens.
            #[param(minimum = 1)]
            context: Option<i64>,
            /// Limit: region, `eu`, `us` or the name of a region.
            region: Option<String>,
            /// Limit: maximum list price of prompt tokens, USD per million.
            #[param(minimum = 0)]
            max_input: Option<f64>,
            /// Limit: maximum list price of completion tokens, USD per million.
            #[param(minimum = 0)]
            max_output: Option<f64>,
            /// Limit: minimum availability over a day, or uptime if availability is not published, 0 to 1.
            #[param(minimum = 0, maximum = 1)]
            min_availability: Option<f64>,
        }

        impl $name {
            /// The requested preference for a target, or 400 with the accepted values.
            pub fn requested<'a>(
                &self,
                snapshot: &'a crate::snapshot::Snapshot,
                target: Option<&'static crate::preferences::targets::Target>,
            ) -> Result<$crate::api::preference_query::PreferenceRequest<'a>, $crate::api::problem::Problem> {
                let limits = crate::domain::limits::Limits {
                    quant_floor: self.quant_floor,
                    no_training: self.no_training.unwrap_or(false),
                    no_retention: self.no_retention.unwrap_or(false),
                    zdr: self.zdr.unwrap_or(false),
                    parameters: $crate::api::request::names(self.parameters.as_deref()),
                    context: self.context,
                    region: self.region.clone(),
                    max_input: self.max_input,
                    max_output: self.max_output,
                    min_availability: self.min_availability,
                };
                Ok($crate::api::preference_query::PreferenceRequest {
                    mode: self.mode.unwrap_or(crate::preferences::Mode::DEFAULT),
                    workload: crate::preferences::known_workload(snapshot, self.workload.as_deref())
                        .map_err($crate::api::problem::Problem::bad_request)?,
                    target: target.unwrap_or(&crate::preferences::targets::TARGETS[0]),
                    limits: limits.checked().map_err($crate::api::problem::Problem::bad_request)?,
                })
            }
        }
    };
}
pub(super) use preference_query;

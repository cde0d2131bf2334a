//! Statistics over filtered messages, and how rounded figures are made, the same for every data layer.

use serde::Serialize;

/// What one grouped statement counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// Messages.
    pub messages: i64,
    /// Those with an error.
    pub failed: i64,
    /// Tokens in all.
    pub tokens: i64,
    /// The mean response time in milliseconds, if any message has one.
    pub average: Option<f64>,
    /// Different models.
    pub models: i64,
}

/// The `stats` of a page.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Messages.
    pub total_messages: i64,
    /// Those without an error.
    pub successful_messages: i64,
    /// Those with one.
    pub failed_messages: i64,
    /// Rounded percent.
    pub success_rate: i64,
    /// Tokens in all.
    pub total_tokens: i64,
    /// Rounded milliseconds.
    pub average_response_time: i64,
    /// The model of most messages; of two, the first by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_used_model: Option<String>,
    /// Different models.
    pub unique_models: i64,
}

impl Summary {
    /// Rounds the totals.
    pub fn new(totals: Totals, most_used_model: Option<String>) -> Summary {
        let successful = totals.messages - totals.failed;
        Summary {
            total_messages: totals.messages,
            successful_messages: successful,
            failed_messages: totals.failed,
            success_rate: percent(successful, totals.messages),
            total_tokens: totals.tokens,
            average_response_time: totals.average.map_or(0, whole),
            most_used_model,
            unique_models: totals.models,
        }
    }
}

/// One model's share.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ByModel {
    /// The model.
    pub model: String,
    /// Its messages.
    pub messages: i64,
    /// Its tokens.
    pub total_tokens: i64,
}

/// One hour's or day's share.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ByTime {
    /// Its beginning, ISO 8601.
    pub start: String,
    /// Its messages.
    pub messages: i64,
    /// Its tokens.
    pub total_tokens: i64,
}

/// Response times in milliseconds: the mean and three percentiles by nearest rank.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResponseTimes {
    /// The rounded mean.
    pub average: i64,
    /// Half of all are as quick.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50: Option<i32>,
    /// 95 of 100 are as quick.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95: Option<i32>,
    /// 99 of 100 are as quick.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<i32>,
}

/// Everything that `/api/messages/stats` answers.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The same as a page's.
    #[serde(flatten)]
    pub summary: Summary,
    /// Rounded percent.
    pub error_rate: i64,
    /// Response times.
    pub response_times: ResponseTimes,
    /// The five models of most messages.
    pub top_models: Vec<ByModel>,
    /// Every model, most tokens first.
    pub tokens_by_model: Vec<ByModel>,
    /// The last 48 hours that have messages, oldest first.
    pub per_hour: Vec<ByTime>,
    /// The last 31 days that have messages, oldest first.
    pub per_day: Vec<ByTime>,
}

impl Report {
    /// Puts the parts together; `by_model` in any order, the times newest first as they were read.
    pub fn new(
        summary: Summary,
        times: [Option<i32>; 3],
        by_model: Vec<ByModel>,
        mut per_hour: Vec<ByTime>,
        mut per_day: Vec<ByTime>,
    ) -> Report {
        per_hour.reverse();
        per_day.reverse();
        let mut top_models = by_model.clone();
        top_models.sort_by(|one, other| other.messages.cmp(&one.messages).then_with(|| one.model.cmp(&other.model)));
        top_models.truncate(5);
        let mut tokens_by_model = by_model;
        tokens_by_model.sort_by(|one, other| other.total_tokens.cmp(&one.total_tokens).then_with(|| one.model.cmp(&other.model)));
        let [p50, p95, p99] = times;
        Report {
            error_rate: percent(summary.failed_messages, summary.total_messages),
            response_times: ResponseTimes { average: summary.average_response_time, p50, p95, p99 },
            summary,
            top_models,
            tokens_by_model,
            per_hour,
            per_day,
        }
    }
}

/// Which of `count` sorted values is the percentile by nearest rank, from 0.
pub fn rank(percent: u64, count: u64) -> u64 {
    (percent * count).div_ceil(100).saturating_sub(1)
}

fn percent(part: i64, of: i64) -> i64 {
    // Half up, in whole numbers.
    if of == 0 { 0 } else { (200 * part + of) / (2 * of) }
}

fn whole(value: f64) -> i64 {
    // A mean of i32 values fits.
    #[allow(clippy::cast_possible_truncation)]
    let whole = value.round() as i64;
    whole
}

#[cfg(test)]
mod tests {
    use super::{percent, rank};

    #[test]
    fn ranks_and_percents() {
        assert_eq!([rank(50, 1), rank(50, 4), rank(95, 100), rank(99, 10), rank(50, 0)], [0, 1, 94, 9, 0]);
        assert_eq!([percent(1, 3), percent(1, 2), percent(0, 0), percent(199, 200)], [33, 50, 0, 100]);
    }
}

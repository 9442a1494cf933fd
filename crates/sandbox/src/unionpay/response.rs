//! Response codes and their texts.

/// Text of a response code as UnionPay ends it: with a seven-digit detail in brackets.
pub(crate) fn message(resp_code: &str) -> String {
    let text = match resp_code {
        "00" => return "成功[0000000]".to_owned(),
        "03" => "交易通讯超时，请发起查询交易",
        "04" => "交易状态未明，请查询对账结果",
        "05" => "交易已受理，请稍后查询交易结果",
        "06" => "系统繁忙，请稍后再试",
        "10" => "报文格式错误",
        "11" => "验证签名失败",
        "12" => "重复交易",
        "13" => "报文交易要素缺失",
        "31" => "商户状态不正确",
        "32" => "无此交易权限",
        "34" => "查无此交易",
        "61" => "输入的卡号无效，请确认后输入",
        "64" => "卡上的余额不足",
        "66" => "身份信息或手机号输入不正确，验证失败",
        "A6" => "有缺陷的成功",
        _ => "交易失败，详情请咨询95516",
    };
    let detail: u32 = resp_code.parse().unwrap_or(99);
    format!("{text}[{:07}]", 5_100_000 + detail)
}

//! Words of answers in both languages.

use crate::decision::Verdict;
use crate::flow::facts::Subject;
use crate::flow::model::{Account, ContractKind, Flow, Hop, PartyId};
use crate::flow::shapes::Shape;
use crate::pack::{Effect, Text};

/// A language of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    /// English.
    En,
    /// 中文。
    Zh,
}

/// The text of a language.
pub(in crate::flow) fn pick(text: &Text, lang: Lang) -> &str {
    match lang {
        Lang::En => &text.en,
        Lang::Zh => &text.zh,
    }
}

fn of(lang: Lang, en: &'static str, zh: &'static str) -> &'static str {
    match lang {
        Lang::En => en,
        Lang::Zh => zh,
    }
}

/// A verdict for people.
pub fn verdict_word(verdict: Verdict, lang: Lang) -> &'static str {
    match verdict {
        Verdict::Allow => of(lang, "ALLOW", "可行"),
        Verdict::Limit => of(lang, "LIMIT", "限额内可行"),
        Verdict::Migrate => of(lang, "MIGRATE", "限期迁移"),
        Verdict::Ask => of(lang, "ASK", "待补充事实"),
        Verdict::Deny => of(lang, "DENY", "禁止"),
    }
}

/// What a rule does, for people.
pub(in crate::flow) fn effect_word(effect: Effect, lang: Lang) -> &'static str {
    match effect {
        Effect::Deny => of(lang, "forbids", "禁止"),
        Effect::Require => of(lang, "requires", "要求"),
        Effect::Migrate => of(lang, "migrate", "迁移"),
        Effect::Limit => of(lang, "limits", "限额"),
        Effect::Flag => of(lang, "watch", "关注"),
        Effect::Relax => of(lang, "relaxes", "放宽"),
        Effect::Define => of(lang, "defines", "定义"),
    }
}

/// A kind of party, for people.
pub(in crate::flow) fn kind_word(kind: &str, lang: Lang) -> &str {
    let words = match kind {
        "bank" => ("bank", "银行"),
        "npi" => ("payment institution", "支付机构"),
        "clearing_org" => ("clearing body", "清算机构"),
        "aggregator" => ("aggregator", "聚合服务商"),
        "platform" => ("platform", "平台"),
        "merchant" => ("merchant", "商户"),
        "micro_merchant" => ("micro merchant", "小微商户"),
        "natural_person" => ("natural person", "自然人"),
        "p2p_platform" => ("lending platform", "网贷平台"),
        "lender" => ("lender", "放贷机构"),
        "isv" => ("service provider", "服务商"),
        other => (other, other),
    };
    match lang {
        Lang::En => words.0,
        Lang::Zh => words.1,
    }
}

/// An account, for people.
pub(in crate::flow) fn account_word(account: Account, lang: Lang) -> &'static str {
    match account {
        Account::Own => of(lang, "own account", "自有账户"),
        Account::Reserve => of(lang, "reserve", "备付金"),
        Account::SubAccount => of(lang, "sub-account", "分户账"),
    }
}

/// A kind of contract, for people.
pub(in crate::flow) fn contract_word(kind: ContractKind, lang: Lang) -> &'static str {
    match kind {
        ContractKind::Acquiring => of(lang, "acquiring", "收单协议"),
        ContractKind::Agency => of(lang, "agency", "代理协议"),
        ContractKind::Outsourcing => of(lang, "outsourcing", "外包协议"),
        ContractKind::Channel => of(lang, "channel", "通道协议"),
        ContractKind::Interface => of(lang, "interface", "接口协议"),
        ContractKind::Purchase => of(lang, "purchase", "采购合同"),
        ContractKind::CreditSale => of(lang, "credit sale", "赊销合同"),
        ContractKind::Depository => of(lang, "depository", "存管协议"),
        ContractKind::Mandate => of(lang, "mandate", "代收授权"),
        ContractKind::Sweeping => of(lang, "sweeping", "归集协议"),
    }
}

/// The name of a shape.
pub fn shape_name(shape: Shape) -> Text {
    let (en, zh, ..) = shape_words(shape);
    Text {
        en: en.to_owned(),
        zh: zh.to_owned(),
    }
}

/// What a shape is.
pub(in crate::flow) fn shape_says(shape: Shape, lang: Lang) -> &'static str {
    let (_, _, en, zh) = shape_words(shape);
    of(lang, en, zh)
}

type ShapeWords = (&'static str, &'static str, &'static str, &'static str);

fn shape_words(shape: Shape) -> ShapeWords {
    match shape {
        Shape::BigMerchant => (
            "big merchant",
            "大商户模式",
            "the institution signs only a middle party and does not know its merchants",
            "机构仅与中间方签约，不识别其下级商户",
        ),
        Shape::Agent => (
            "agent",
            "代理商模式",
            "a middle party refers merchants; the licensed party signs and settles them",
            "中间方仅推荐商户，由持牌机构签约并结算",
        ),
        Shape::Aggregator => (
            "aggregation or outsourcing",
            "聚合/外包",
            "a middle party serves an acquirer: no money, no codes, no sensitive data, no core function",
            "中间方为收单机构提供服务：不碰资金、不发码、不接触敏感信息、不承担核心业务",
        ),
        Shape::SecondClearing => (
            "second clearing",
            "二清",
            "others' money rests with a party without a licence and is paid on from there",
            "他人资金在无证主体账户停留后再付出",
        ),
        Shape::DirectLink => (
            "direct link",
            "直连",
            "two institutions are linked without a clearing body",
            "两家机构之间未经清算机构",
        ),
        Shape::Indirect => (
            "indirect, through clearing",
            "间连（经清算机构）",
            "the route passes NUCC, UnionPay or the central bank's system",
            "路径经网联、银联或人行系统",
        ),
        Shape::Springboard => (
            "bank as springboard",
            "银行跳板",
            "a bank only stands between an institution and clearing",
            "银行仅作为机构与清算之间的跳板",
        ),
        Shape::UnlicensedSwitch => (
            "unlicensed switch",
            "无证转接",
            "somebody without a clearing licence switches between others",
            "无清算资质者在机构之间转接",
        ),
        Shape::ReverseConnection => (
            "reverse connection",
            "反接",
            "an acquiring bank attaches a wallet directly",
            "收单银行直接接入钱包机构",
        ),
        Shape::LeasedChannel => (
            "leased channel",
            "通道外放",
            "an institution lends its channel to another",
            "机构将自身通道出借给他人",
        ),
        Shape::LentInterface => (
            "lent interface",
            "接口外放",
            "somebody else calls an institution's payment interface",
            "他人调用机构的支付接口",
        ),
        Shape::OwnSale => (
            "own sale",
            "自营",
            "the collector sells goods of its own and pays its suppliers",
            "收款方销售自有商品并向供应商付款",
        ),
        Shape::CreditSale => (
            "credit sale",
            "赊销",
            "the collector says that it buys and resells; title, invoices and risk decide",
            "收款方声称买断再售，取决于所有权、发票与风险",
        ),
        Shape::GroupSweep => (
            "sweeping in a group",
            "集团归集",
            "a group collects its own money",
            "同一集团归集自有资金",
        ),
        Shape::ForeignSweep => (
            "sweeping of others' money",
            "集团外归集",
            "the money of somebody outside the group is collected",
            "归集集团以外主体的资金",
        ),
        Shape::AdvanceFromReserve => (
            "advance from reserve",
            "备付金垫资",
            "customers' reserve pays what has not come in",
            "以客户备付金垫付未到资金",
        ),
        Shape::OwnAdvance => (
            "advance from own money",
            "自有资金垫资",
            "the institution pays what has not come in",
            "机构垫付未到资金",
        ),
        Shape::Escrow => (
            "escrow",
            "担保交易",
            "money rests at an institution until the buyer confirms",
            "资金在机构停留至买家确认",
        ),
        Shape::Split => (
            "split by an institution",
            "机构分账",
            "an institution pays several receivers out of one payment",
            "机构将一笔款项分付多个收款方",
        ),
        Shape::Depository => (
            "depository",
            "存管",
            "a depository keeps clients' money apart",
            "存管方分户保管客户资金",
        ),
    }
}

/// A party's name.
pub(in crate::flow) fn party_name(flow: &Flow, id: PartyId, lang: Lang) -> &str {
    pick(&flow.party(id).name, lang)
}

/// What an answer is about, for people: `Leg 1  Buyers → Shop`.
pub(in crate::flow) fn subject_label(flow: &Flow, subject: Subject, lang: Lang) -> String {
    let name = |id| party_name(flow, id, lang);
    match subject {
        Subject::Whole => of(lang, "Whole", "整体").to_owned(),
        Subject::Leg(position) => match flow.legs.get(position) {
            Some(leg) => {
                let mut label = format!(
                    "{} {}  {} → {}",
                    of(lang, "Leg", "资金"),
                    position + 1,
                    name(leg.from),
                    name(leg.to)
                );
                if leg.holder != leg.to {
                    label.push_str(&format!(" @ {}", name(leg.holder)));
                }
                label
            }
            None => String::new(),
        },
        Subject::Contract(position) => match flow.contracts.get(position) {
            Some(contract) => format!(
                "{} {}  {}: {} – {}",
                of(lang, "Contract", "合同"),
                position + 1,
                contract_word(contract.kind, lang),
                name(contract.first),
                name(contract.second)
            ),
            None => String::new(),
        },
        Subject::Party(id) => format!("{}  {}", of(lang, "Party", "主体"), name(id)),
    }
}

/// A clearing body's name.
fn clearing_name(word: &str) -> Text {
    let (en, zh) = match word {
        "nucc" => ("NUCC", "网联"),
        "unionpay" => ("UnionPay", "银联"),
        "pbc_interbank" => ("PBC system", "人行系统"),
        "cityclear" => ("City clearing", "城银清算"),
        "ruralclear" => ("Rural clearing", "农信银"),
        other => (other, other),
    };
    Text {
        en: en.to_owned(),
        zh: zh.to_owned(),
    }
}

/// A stop on a route, for people.
pub(in crate::flow) fn hop_name(flow: &Flow, hop: &Hop) -> Text {
    match hop {
        Hop::Party(id) => flow.party(*id).name.clone(),
        Hop::Clearing(word) => clearing_name(word),
    }
}

/// Fen as yuan.
pub(in crate::flow) fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

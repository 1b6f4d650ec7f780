"""Other codes of the table's languages, and the tags of script, region and variant that corpora write after a code."""

from __future__ import annotations

# Codes that ISO 639 has retired, its bibliographic three-letter codes, and names of the same language.
OTHER_CODES = {
    "iw": "he",
    "in": "id",
    "ji": "yi",
    "jw": "jv",
    "mo": "ro",
    "mol": "ro",
    "fil": "tl",
    "scr": "hr",
    "scc": "sr",
    "alb": "sq",
    "arm": "hy",
    "baq": "eus",
    "bur": "my",
    "chi": "zh",
    "cze": "cs",
    "dut": "nl",
    "fre": "fr",
    "geo": "ka",
    "ger": "de",
    "gre": "el",
    "ice": "is",
    "mac": "mk",
    "mao": "mri",
    "may": "ms",
    "per": "fa",
    "rum": "ro",
    "slo": "sk",
    "tib": "bod",
    "wel": "cy",
    "zlm": "ms",
}
# Where a region decides the script, or names another language of the table.
BY_REGION = {
    ("zh", "tw"): "zho_Hant",
    ("zh", "hk"): "zho_Hant",
    ("zh", "mo"): "zho_Hant",
    ("fa", "af"): "prs",
}
# Regions that corpora write after a language. Not any region is taken: in en-pt the second half is a language.
REGIONS = {
    "ar": "ae bh dz eg iq jo kw lb ly ma om qa sa sd sy tn ye",
    "bn": "bd in",
    "ca": "ad es",
    "de": "at ch de li lu",
    "en": "au ca gb ie in nz us za",
    "es": "419 ar bo cl co cr cu do ec es gt hn mx ni pa pe pr py sv us uy ve",
    "fa": "af ir",
    "fr": "be ca ch fr lu",
    "it": "ch it",
    "ko": "kp kr",
    "ms": "bn my sg",
    "nl": "be nl",
    "pa": "in pk",
    "pt": "ao br mz pt",
    "ro": "md ro",
    "ru": "ru ua",
    "sr": "ba me rs",
    "sv": "fi se",
    "sw": "ke tz",
    "ta": "in lk sg",
    "tr": "cy tr",
    "ur": "in pk",
    "zh": "cn hk mo sg tw",
}
# The region that says no more than the language does.
_HOMES = "af_za am_et az_az be_by bg_bg bs_ba cs_cz cy_gb da_dk el_gr et_ee eus_es fi_fi ga_ie gl_es gu_in he_il hi_in hr_hr "
_HOMES += "hu_hu hy_am id_id is_is ja_jp ka_ge kk_kz km_kh kn_in kir_kg lo_la lt_lt lv_lv mk_mk ml_in mn_mn mr_in mlt_mt my_mm "
_HOMES += "de_de es_es fa_ir fr_fr it_it ko_kr nl_nl ru_ru sr_rs sv_se sw_ke sw_tz tr_tr ur_pk zh_cn "
_HOMES += "ne_np no_no nno_no or_in pl_pl ps_af si_lk sk_sk sl_si so_so sq_al tel_in th_th tl_ph uk_ua uz_uz vi_vn xh_za zu_za"
HOMES = frozenset(_HOMES.split())
VARIANTS = frozenset({"tarask", "valencia"})

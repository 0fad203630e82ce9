// Words of charts.

export const en = { table: "As a table", when: "When", what: "What", value: "Value", between: "{low} to {high}", none: "Nothing to show", interval: "Interval of 95 %" };

export const zh = { table: "以表格显示", when: "时间", what: "项目", value: "数值", between: "{low} 至 {high}", none: "没有可显示的数据", interval: "95% 区间" };

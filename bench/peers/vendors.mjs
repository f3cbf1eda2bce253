// The five vendors as the Node servers read them: the lists that confgraph reads, as plain conferences.
import { createHash } from 'node:crypto';
import DataLoader from 'dataloader';

const ZONE = '+08:00';
const DAY_MS = 86400000;
const LOCAL_MS = 8 * 3600000;
const CLIENT_TYPES = ['UNKNOWN', 'TV', 'IOS', 'ANDROID', 'WINDOWS', 'MAC', 'WEB', 'SIP', 'LINUX'];
const STATES = { 1: 'SCHEDULED', 2: 'LIVE', 3: 'ENDED', 4: 'CANCELLED', 5: 'ENDED' };
const HUAWEI_IDS = JSON.parse(process.env.LIVE_IDS);

const base64 = (text) => Buffer.from(text).toString('base64url');
const iso = (ms) => new Date(ms).toISOString();
const wall = (text) => (text ? Date.parse(`${text.replace(' ', 'T')}${ZONE}`) : null);
const ofWall = (text) => (text ? iso(wall(text)) : null);
const local = (ms) => new Date(ms + LOCAL_MS).toISOString();
const organization = (id, name) => (id || name ? { vendorId: id ? String(id) : null, name: name || null } : null);
const person = (name, accountId) => (name || accountId ? { name: name || null, accountId: accountId || null } : null);

function conference(sourceName, vendorId, at, fields) {
  return { id: base64(`Conference:${sourceName}:${vendorId}`), sourceName, vendorId, at, ...fields };
}

// `post(path, body, headers)` sends an object as JSON, or a text as a form, and gives what was answered.
export function createVendors(post) {
  async function hexmeet({ from, to }) {
    const rows = [];
    let scrollid;
    let page;
    do {
      page = await post('/report/agg/term_conf_stats?domainId=null', {
        agent_id: 101376, company_id: 31314944, dept_id: 33931264, guid: '', token: 'token', time_zone: ZONE,
        start_time: `${local(from).slice(0, 23)}${ZONE}`, end_time: `${local(to).slice(0, 23)}${ZONE}`,
        size: 1000, scroll_timeout: '5s', scrollid,
      });
      if (page.err_code) throw new Error(`term_conf_stats: ${page.err_code}`);
      rows.push(...page.buckets);
      ({ scrollid } = page);
    } while (page.buckets.length && rows.length < page.total);
    return rows.map((row) => {
      const at = Date.parse(row.startTime);
      return conference('hexmeet', row.conf_guid, at, {
        number: row.conf_number, title: row.conf_name || null, state: 'ENDED', startedAt: iso(at),
        endedAt: iso(Date.parse(row.endTime)), durationSeconds: row.duration, peakMemberCount: row.max_party_count,
        errorCode: row.error_code, errorInfo: row.error_info || null, host: person(row.host),
        agent: organization(row.agent_id, row.agent), company: organization(row.company_id, row.company),
        department: organization(row.department_id, row.department),
        room: row.room_name ? { name: row.room_name, capacity: row.capacity } : null,
      });
    });
  }

  function signed() {
    const nonce = String(10000000 + Math.floor(Math.random() * 90000000));
    const time = String(Math.floor(Date.now() / 1000));
    const sum = createHash('sha1').update(`secret${nonce}${time}`).digest('hex');
    return { AppKey: 'key', Nonce: nonce, CurTime: time, CheckSum: sum };
  }

  function meeting(row) {
    const at = wall(row.realStartTime);
    return conference('netease', String(row.meetingUniqueId), at, {
      number: String(row.meetingId), title: row.subject || null, state: STATES[row.status], startedAt: iso(at),
      endedAt: ofWall(row.realEndTime), durationSeconds: row.duration, memberCount: row.memberCount,
      peakMemberCount: row.peakNum || null, host: person(null, row.hostAccountId), creator: person(null, row.creatorAccountId),
    });
  }

  async function netease({ from, to }) {
    const rows = [];
    let total;
    let pageIndex = 0;
    do {
      pageIndex += 1;
      const body = { startTime: from, endTime: to, pageIndex, pageSize: 100 };
      const { code, ret } = await post('/v1/statistic/meeting/list', body, signed());
      if (code !== 200) throw new Error(`list: ${code}`);
      rows.push(...ret.list);
      total = ret.query.totalCount;
    } while (pageIndex * 100 < total);
    return rows.map(meeting);
  }

  async function detail(vendorId) {
    const { code, ret } = await post('/v1/statistic/meeting/detail', { meetingUniqueId: Number(vendorId) }, signed());
    if (code !== 200) throw new Error(`detail: ${code}`);
    return ret[0];
  }

  async function systec({ from, to }) {
    const first = local(from).slice(0, 10);
    const end = local(to + DAY_MS - 1).slice(0, 10);
    const rows = [];
    let page = 0;
    let data;
    do {
      page += 1;
      const form = `api_key=key&api_secret=secret&from=${first}&to=${end}&page_number=${page}&page_size=300`;
      const answer = await post('/umeeting/share/detail', form);
      if (answer.status !== 200) throw new Error(`share/detail: ${answer.status}`);
      ({ data } = answer);
      rows.push(...data.meetings);
    } while (data.has_next_page);
    return rows.map((row) => {
      const at = wall(row.start_time);
      const endedAt = wall(row.end_time);
      return conference('systec', row.uuid, at, {
        number: row.meeting_id, title: row.topic || null, state: 'ENDED', startedAt: iso(at), endedAt: iso(endedAt),
        durationSeconds: (endedAt - at) / 1000, room: row.host_id ? { name: null, capacity: null } : null,
      });
    });
  }

  async function quanshi() {
    const rows = [];
    let result;
    let page = 0;
    do {
      page += 1;
      const body = { page, count: 50, filterOneAttendee: false };
      const answer = await post('/confopenapi/conference/listbystatus', body, { token: 'token' });
      if (answer.status) throw new Error(`listbystatus: ${answer.status}`);
      ({ result } = answer);
      rows.push(...result.confList);
    } while (result.confList.length && rows.length < result.totalCount);
    return rows.filter((row) => row.status === 2).map((row) =>
      conference('quanshi', row.conferenceId, row.startTime * 1000, {
        title: row.confName || null, state: 'LIVE', startedAt: iso(row.startTime * 1000),
        endedAt: row.stopTime ? iso(row.stopTime * 1000) : null, memberCount: row.attendeeCnt,
        host: person(row.hostName, row.hostId && String(row.hostId)), department: organization(row.hostOrgId, row.hostOrgName),
      }));
  }

  async function batch(confIds) {
    const answer = await post('/agentgateway/resource/agentconf/101/queryconfinfos', { confIds }, { Guid: 'guid' });
    if (answer.retcode !== '0') throw new Error(`queryconfinfos: ${answer.retcode}`);
    return answer.result.confs.map((row) => {
      const chair = row.addresses.find((address) => address.role === 1);
      return conference('huawei', String(row.confId), row.startTime, {
        state: 'LIVE', startedAt: iso(row.startTime), endedAt: null,
        memberCount: new Set(row.addresses.map((it) => it.address)).size,
        host: person(null, chair?.addressType === '9' ? chair.address : null),
      });
    });
  }

  const lists = { hexmeet, huawei: () => batch(HUAWEI_IDS), netease, quanshi, systec };

  // The first page: each source's range read whole, merged, newest first, and cut.
  async function conferences({ filter, first }) {
    const during = { from: Date.parse(filter.during.from), to: Date.parse(filter.during.to) };
    const names = filter.sources ?? Object.keys(lists);
    const found = await Promise.all(names.map((name) => lists[name](during)));
    const rows = found.flat().filter((row) => row.at >= during.from && row.at < during.to).sort(newestFirst);
    const edges = rows.slice(0, first).map((node) => ({ cursor: cursorOf(node), node }));
    const pageInfo = {
      hasNextPage: rows.length > first, hasPreviousPage: false,
      startCursor: edges[0]?.cursor ?? null, endCursor: edges.at(-1)?.cursor ?? null,
    };
    return { totalCount: rows.length, pageInfo, edges };
  }

  async function members({ sourceName, vendorId }) {
    if (sourceName !== 'netease') return { nodes: [] };
    const row = await detail(vendorId);
    const nodes = row.members.map((it) => ({
      id: base64(`Member:netease:${vendorId}:${it.id}`), accountId: it.accountId, displayName: it.nickname || null,
      joinedAt: ofWall(it.joinTime), leftAt: ofWall(it.exitTime), durationSeconds: it.duration,
      clientType: CLIENT_TYPES[it.clientType] ?? 'UNKNOWN',
    }));
    return { nodes: nodes.sort((a, b) => (a.joinedAt < b.joinedAt ? -1 : 1)) };
  }

  // By the vendor's own key, for one request of a client.
  function createLookup() {
    const running = new DataLoader(async (ids) => {
      const rows = await batch(ids.map(Number));
      return ids.map((id) => rows.find((row) => row.vendorId === id) ?? null);
    }, { maxBatchSize: 20 });
    return async ({ sourceName, vendorId }) => {
      if (sourceName === 'huawei') return running.load(vendorId);
      if (sourceName === 'netease') return meeting(await detail(vendorId));
      throw new Error(`${sourceName} has no look-up by id`);
    };
  }

  return { conferences, members, createLookup };
}

function newestFirst(one, other) {
  return other.at - one.at || compare(other.sourceName, one.sourceName) || compare(other.vendorId, one.vendorId);
}

function compare(one, other) {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function cursorOf(row) {
  return base64(`${row.at}:${row.sourceName}:${row.vendorId}`);
}

#!/usr/bin/env bash
# Prints the [[nodes]] table of the settings for one GPU node, from what its kernel says of its GPUs or from a listing.
# usage: scripts/gpu-inventory.sh [--from FILE|-] [--name NAME] [--url URL] [--sysfs DIR] [--lang zh-TW|en]
# Runs where nothing is installed: bash, coreutils and any awk.
set -euo pipefail
export LC_ALL=C         # the order of PCI addresses is that of their bytes

lang=${DAILY_GPU_LOG_LANG:-zh-TW}

# The first text, or the second in English.
text() {
    if [ "$lang" = en ]; then printf '%s' "$2"; else printf '%s' "$1"; fi
}
in_awk='function either(chinese, english) { return lang == "en" ? english : chinese }'

fail() {
    printf '%s%s\n' "$(text 錯誤： 'error: ')" "$1" >&2
    exit "${2:-1}"
}

misused() {
    fail "$1$(text "（用法請見 ${0##*/} --help）" " (see ${0##*/} --help)")" 2
}

usage() {
    if [ "$lang" = en ]; then usage_in_english; else usage_in_chinese; fi
}

usage_in_english() {
    cat <<'HELP'
Print the [[nodes]] table of a GPU node, to be pasted into the settings file of daily-gpu-log

Usage: gpu-inventory.sh [OPTIONS]

Run it on the GPU node: the GPU index is the order of amdgpu's PCI devices by PCI address; other DRM
cards of partitions (which are no PCI devices) are left out. A GPU without a unique_id stands in a
comment alone.

Options:
  --from FILE   read FILE (- is standard input) instead of sysfs; of these kinds of lines, mixed; others
                are passed over:
                  output of rocm-smi --showuniqueid: GPU[0] : Unique ID: 0x70cb99ce3e214bda
                  output of amd-smi list (also with -e, --csv or --json)
                  card9; uuid:0xbe00df5da6743f1c
                  card9 -> GPU[1], or GPU[1] -> Card 9
                nothing is guessed that they do not say
  --name NAME   the node's name, as the management API's hostname has it (default: this host's; name
                it where --from is of another machine)
  --url URL     the node's Netdata (default: http://NAME:19999)
  --sysfs DIR   where sysfs is (default: /sys)
  --lang LANG   zh-TW or en (default: the variable DAILY_GPU_LOG_LANG, else zh-TW)
  -h, --help    show the help
HELP
}

usage_in_chinese() {
    cat <<'HELP'
印出一個 GPU 節點的 [[nodes]] 表格，貼進 daily-gpu-log 的設定檔即可

用法：gpu-inventory.sh [選項]

在 GPU 節點上執行：GPU 索引是 amdgpu 的 PCI 裝置依 PCI 位址的順序；分割模式的
其他 DRM 卡（不是 PCI 裝置）不列入。沒有 unique_id 的 GPU 只會列在註解中。

選項：
  --from FILE   不讀 sysfs，改讀 FILE（- 是標準輸入），可混合下列幾種行，其他的行略過：
                  rocm-smi --showuniqueid 的輸出：GPU[0] : Unique ID: 0x70cb99ce3e214bda
                  amd-smi list 的輸出（也可加 -e、--csv 或 --json）
                  card9; uuid:0xbe00df5da6743f1c
                  card9 -> GPU[1] 或 GPU[1] -> Card 9
                沒有說到的不會猜測
  --name NAME   節點名稱，須等於管理 API 的 hostname（預設為本機的主機名稱，
                所以 --from 的內容來自別台機器時請指定）
  --url URL     節點的 Netdata（預設為 http://節點名稱:19999）
  --sysfs DIR   sysfs 的位置（預設為 /sys）
  --lang LANG   zh-TW 或 en（預設依環境變數 DAILY_GPU_LOG_LANG，否則為 zh-TW）
  -h, --help    顯示說明
HELP
}

# Reads what all sources write: an id's 16 lower-case digits, or nothing where the text is no id. rocm-smi leaves out
# leading zeros and writes N/A or 0x0 for a GPU without one; the driver's file is then empty. amd-smi writes
# <byte 0>ff<device>-0000-1000-80<byte 1>-<bytes 2 to 7>.
unique_id='
function unique_id(text) {
    text = tolower(text)
    sub(/^(apu|gpu)-/, "", text)
    sub(/^0x/, "", text)
    if (length(text) == 36 && substr(text, 3, 2) == "ff" && substr(text, 9, 13) == "-0000-1000-80" && substr(text, 24, 1) == "-")
        text = substr(text, 1, 2) substr(text, 22, 2) substr(text, 25)
    if (text !~ /^[0-9a-f]+$/) return ""
    sub(/^0+/, "", text)
    if (text == "" || length(text) > 16) return ""
    return substr("0000000000000000", length(text) + 1) text
}'

# The GPUs of the node, one a line: index, card, PCI address and unique id, with tabs between.
from_sysfs() {
    local link card key value driver address id
    for link in "$sysfs"/class/drm/card*; do
        card=${link##*/card}
        # card1-DP-1 is a connector.
        [[ $card =~ ^[0-9]+$ && -r $link/device/uevent ]] || continue
        driver=''
        address=''
        while IFS='=' read -r key value; do
            case $key in
                DRIVER) driver=$value ;;
                PCI_SLOT_NAME) address=$value ;;
            esac
        done <"$link/device/uevent"
        [ "$driver" = amdgpu ] || continue
        address=${address:-$(basename "$(readlink -f "$link/device")")}
        [[ $address =~ ^[0-9a-f]+:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$ ]] || continue
        # While the GPU is reset, the driver refuses to be read.
        id=$(cat "$link/device/unique_id" 2>/dev/null) || id=''
        # Right-aligned, because a PCI domain can have more than four digits.
        printf '%20s\t%s\t%s\t%s\n' "$address" "$card" "$address" "${id//[^[:alnum:]]/}"
    done | sort | awk -F '\t' '{ print NR - 1 "\t" $2 "\t" $3 "\t" $4 }'
}

# The same of a listing on standard input. A card of which it does not say the index comes last, without one.
from_listing() {
    # What is said is ASCII: a byte order mark and the other half of UTF-16 are nothing.
    tr -d '\000\200-\377' | awk -v lang="$lang" "$unique_id $in_awk"'
    function fail(what) {
        print either("錯誤：", "error: ") what > "/dev/stderr"
        failed = 1
        exit 1
    }
    # Remembers one fact, which a listing can repeat but not contradict.
    function say(facts, key, value, subject) {
        if (key in facts && facts[key] != value) fail(subject either(" 有兩種說法：", " is said to be both: ") facts[key] either("、", " and ") value either("，請先修正", ": correct the listing"))
        facts[key] = value
    }
    function number(text) {
        gsub(/[^0-9]/, "", text)
        return text + 0
    }
    function of_index(i, text) {
        indices[i]
        if (unique_id(text) != "") say(id_of_index, i, unique_id(text), either("GPU[" i "] 的 unique_id", "the unique_id of GPU[" i "]"))
    }
    function of_card(c, text) {
        cards[c]
        if (unique_id(text) != "") say(id_of_card, c, unique_id(text), either("card" c " 的 uuid", "the uuid of card" c))
    }
    function join(c, i) {
        cards[c]
        indices[i]
        say(index_of_card, c, i, either("card" c " 的 GPU 索引", "the GPU index of card" c))
        say(card_of_index, i, c, either("GPU[" i "] 的卡號", "the card of GPU[" i "]"))
    }

    # A GPU of amd-smi, of which further lines may say more.
    function of_amd_smi(i) {
        index_of_entry[++entries] = i
    }

    { line = tolower($0); gsub(/[ \t\r]/, "", line) }
    line ~ /^"/ { gsub(/[",]/, "", line) }
    { value = line; sub(/.*:/, "", value); split(line, side, "->") }
    line ~ /^gpu\[[0-9][0-9]?[0-9]?\]:uniqueid:/ { sub(/:.*/, "", line); of_index(number(line), value); next }
    line ~ /^card[0-9][0-9]?[0-9]?[0-9]?;uuid:/ { sub(/;.*/, "", line); of_card(number(line), value); next }
    line ~ /^card[0-9][0-9]?[0-9]?[0-9]?->gpu\[[0-9][0-9]?[0-9]?\]$/ { join(number(side[1]), number(side[2])) }
    line ~ /^gpu\[[0-9][0-9]?[0-9]?\]->card[0-9][0-9]?[0-9]?[0-9]?$/ { join(number(side[2]), number(side[1])) }

    line ~ /^gpu:[0-9][0-9]?[0-9]?$/ { of_amd_smi(number(line)); next }
    line ~ /^uuid:/ { id_of_entry[entries] = value }
    line ~ /^card:card[0-9]+$/ { card_of_entry[entries] = value }
    line ~ /^partition_id:[0-9]+$/ { partition_of_entry[entries] = number(value) }
    line ~ /^gpu,/ { count = split(line, field, ","); for (k = 1; k <= count; k++) column[field[k]] = k; next }
    ("gpu_uuid" in column) && line ~ /^[0-9][0-9]?[0-9]?,/ {
        split(line, field, ",")
        of_amd_smi(number(field[1]))
        id_of_entry[entries] = field[column["gpu_uuid"]]
        if ("card" in column) card_of_entry[entries] = field[column["card"]]
        if ("partition_id" in column) partition_of_entry[entries] = number(field[column["partition_id"]])
    }

    END {
        if (failed) exit 1
        # Where GPUs are in partitions, amd-smi numbers those; the first of each GPU stands for it.
        for (k = 1; k <= entries; k++) if (partition_of_entry[k] > 0) is_partitioned = 1
        for (k = 1; k <= entries; k++) {
            if (partition_of_entry[k] > 0) continue
            i = is_partitioned ? gpus++ : index_of_entry[k]
            of_index(i + 0, id_of_entry[k])
            if (card_of_entry[k] ~ /^card[0-9]+$/) join(number(card_of_entry[k]), i + 0)
        }
        # A card and an index that name one id, and no others that do, are one GPU.
        for (i in id_of_index) { holders[id_of_index[i]]++; index_of_id[id_of_index[i]] = i }
        for (c in id_of_card) holders_by_card[id_of_card[c]]++
        for (c in id_of_card) {
            id = id_of_card[c]
            if (!(c in index_of_card) && holders[id] == 1 && holders_by_card[id] == 1) join(c, index_of_id[id])
        }
        for (c in index_of_card) if (c in id_of_card) of_index(index_of_card[c], id_of_card[c])

        for (i = 0; i < 1000; i++) if (i in indices) print i "\t" card_of_index[i] "\t\t" id_of_index[i]
        for (c = 0; c < 10000; c++) if (c in cards && !(c in index_of_card)) print "\t" c "\t\t" id_of_card[c]
    }'
}

# The table. It may not say what is not known: where a GPU has no id, or shares it with another, there is a comment.
render() {
    awk -F '\t' -v name="$name" -v url="$url" -v source="$source" -v lang="$lang" "$unique_id $in_awk"'
    function where(n, place) {
        place = card[n] == "" ? "" : "card" card[n]
        if (address[n] != "") place = place either("，", ", ") "PCI " address[n]
        if (id[n] != "") place = place (place == "" ? "" : either("，", ", ")) "unique_id " id[n]
        return place
    }
    function in_brackets(words) {
        return words == "" ? "" : either("（" words "）", " (" words ")")
    }
    function note(n, problem) {
        print "# GPU[" n "]" in_brackets(where(n)) either("：", ": ") problem
    }

    $1 == "" { stray[strays++] = "card" $2 in_brackets($4 == "" ? "" : "unique_id " $4); next }
    {
        if ($1 != count) is_gapped = 1
        order[count++] = $1; card[$1] = $2; address[$1] = $3; id[$1] = unique_id($4)
        if ($2 == "") is_gapped = 1
        if (id[$1] != "") holders[id[$1]]++
        list = list (list == "" ? "" : ", ") $2
    }
    END {
        has_cards = count > 0 && !is_gapped
        # The cards of a node that names none are the eight of the built-in list.
        for (k = 0; k < count; k++) if (!has_cards && id[order[k]] != "" && order[k] > 7) {
            print either("錯誤：沒有說到每張 GPU 的卡號，而內建的 cards 只有八張：請加入「card9 -> GPU[1]」這樣的行", "error: not every GPU has its card, and the built-in cards are only eight: add lines such as card9 -> GPU[1]") > "/dev/stderr"
            exit 1
        }
        print either("# 由 gpu-inventory.sh 從 " source " 產生", "# made by gpu-inventory.sh from " source)
        print "[[nodes]]"
        print "name = \"" name "\""
        print "url = \"" url "\""
        print "# first_gpu_id = ?    " either("管理 API 的 id 跨叢集編號時，填入此節點 GPU[0] 的 id", "the id of GPU[0] of this node, where those of the management API count across the cluster")
        if (has_cards) print "cards = [" list "]"
        else print either("# cards 不明：請依 GPU 索引順序填入 DRM 卡號，否則使用預設的清單", "# cards unknown: list the DRM cards in the order of GPU index, else the default list is used")
        print "[nodes.gpu_uuids]"
        for (k = 0; k < count; k++) {
            n = order[k]
            if (id[n] == "") note(n, either("沒有 unique_id，無法以 UUID 對應", "no unique_id, cannot be placed by UUID"))
            else if (holders[id[n]] > 1) note(n, either("有另一張 GPU 的 unique_id 相同，無法以 UUID 對應", "another GPU has the same unique_id, cannot be placed by UUID"))
            else print "\"APU-" id[n] "\" = " n "    # " where(n)
        }
        for (k = 0; k < strays; k++) print "# " stray[k] either("：不知道是哪個 GPU 索引，未列入", ": GPU index unknown, left out")
    }'
}

sysfs=/sys
from=''
name=''
url=''
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --from | --sysfs | --name | --url | --lang)
            [ -n "${2:-}" ] || misused "$1$(text ' 缺少值' ' lacks its value')"
            printf -v "${1#--}" '%s' "$2"
            shift 2
            ;;
        *) misused "$(text "不認得的引數「$1」" "unknown argument '$1'")" ;;
    esac
done

case $lang in
    zh-TW | en) ;;
    *) misused "$(text "「$lang」不是 zh-TW 或 en" "'$lang' is neither zh-TW nor en")" ;;
esac
host=$(uname -n)
name=${name:-${host%%.*}}
url=${url:-http://$name:19999}
for value in "$name" "$url"; do
    # They stand between quotes in the table.
    [[ $value != *[\"\\[:cntrl:]]* ]] || misused "$(text "「$value」不可含有引號、反斜線或控制字元" "'$value' may have no quotes, backslashes or control characters")"
done

if [ -z "$from" ]; then
    source=$sysfs
    gpus=$(from_sysfs)
    [ -n "$gpus" ] ||
        fail "$(text "$sysfs 中沒有使用 amdgpu 驅動程式的 PCI GPU：請在 GPU 節點上執行，並確認 amdgpu 已載入；或用 --from 讀取 rocm-smi --showuniqueid 的輸出" \
            "no PCI GPU with the amdgpu driver in $sysfs: run this on the GPU node, where amdgpu is loaded, or read the output of rocm-smi --showuniqueid with --from")"
else
    if [ "$from" = - ]; then
        source=$(text 標準輸入 "standard input")
        gpus=$(from_listing)
    else
        source=$from
        [[ -r $from && ! -d $from ]] || fail "$(text "無法讀取 $from：請確認檔案存在且可讀取" "cannot read $from: check that it exists and can be read")"
        gpus=$(from_listing <"$from")
    fi
    [ -n "$gpus" ] ||
        fail "$(text "$source 中沒有可辨認的 GPU：需要 rocm-smi --showuniqueid 或 amd-smi list 的輸出，或「card9; uuid:0x…」、「card9 -> GPU[1]」這樣的行" \
            "no GPU is known by $source: it takes output of rocm-smi --showuniqueid or amd-smi list, or lines such as card9; uuid:0x... and card9 -> GPU[1]")"
fi
source=${source//[\\[:cntrl:]]/?}     # it stands in a comment
render <<<"$gpus"

package standin

var (
	listParams   = []string{"q", "labelIds", "maxResults", "pageToken", "includeSpamTrash"}
	draftParams  = []string{"q", "maxResults", "pageToken", "includeSpamTrash"}
	formatParams = []string{"format", "metadataHeaders"}
	changeParams = []string{"startHistoryId", "labelId", "historyTypes", "maxResults", "pageToken"}
)

// endpoints is the part of the API that is played, with the prices and scopes
// of the real one. Literal segments come before variables.
var endpoints = []endpoint{
	{method: "GET", pattern: "users/:userId/profile", rpc: "GetProfile", units: 1, scopes: profileScopes, run: getProfile},

	{method: "GET", pattern: "users/:userId/messages", rpc: "ListMessages", units: 5, scopes: messageReadScopes, params: listParams, run: listMessages},
	{method: "POST", pattern: "users/:userId/messages/batchModify", rpc: "BatchModifyMessages", units: 50, scopes: modifyScopes, run: batchModify},
	{method: "POST", pattern: "users/:userId/messages/send", rpc: "SendMessage", units: 100, scopes: sendScopes, upload: true, run: sendMessage},
	{method: "GET", pattern: "users/:userId/messages/:id", rpc: "GetMessage", units: 20, scopes: messageReadScopes, params: formatParams, run: getMessage},
	{method: "POST", pattern: "users/:userId/messages/:id/modify", rpc: "ModifyMessage", units: 5, scopes: modifyScopes, run: modifyMessage},
	{method: "POST", pattern: "users/:userId/messages/:id/trash", rpc: "TrashMessage", units: 20, scopes: modifyScopes, run: trashMessage},
	{method: "POST", pattern: "users/:userId/messages/:id/untrash", rpc: "UntrashMessage", units: 5, scopes: modifyScopes, run: untrashMessage},
	{method: "GET", pattern: "users/:userId/messages/:messageId/attachments/:id", rpc: "GetAttachment", units: 20, scopes: contentScopes, run: getAttachment},

	{method: "GET", pattern: "users/:userId/threads", rpc: "ListThreads", units: 10, scopes: messageReadScopes, params: listParams, run: listThreads},
	{method: "GET", pattern: "users/:userId/threads/:id", rpc: "GetThread", units: 40, scopes: messageReadScopes, params: formatParams, run: getThread},
	{method: "POST", pattern: "users/:userId/threads/:id/modify", rpc: "ModifyThread", units: 10, scopes: modifyScopes, run: modifyThread},
	{method: "POST", pattern: "users/:userId/threads/:id/trash", rpc: "TrashThread", units: 20, scopes: modifyScopes, run: trashThread},
	{method: "POST", pattern: "users/:userId/threads/:id/untrash", rpc: "UntrashThread", units: 10, scopes: modifyScopes, run: untrashThread},

	{method: "GET", pattern: "users/:userId/labels", rpc: "ListLabels", units: 1, scopes: labelReadScopes, run: listLabels},
	{method: "POST", pattern: "users/:userId/labels", rpc: "CreateLabel", units: 5, scopes: labelWriteScopes, run: createLabel},
	{method: "GET", pattern: "users/:userId/labels/:id", rpc: "GetLabel", units: 1, scopes: labelReadScopes, run: getLabel},
	{method: "PUT", pattern: "users/:userId/labels/:id", rpc: "UpdateLabel", units: 5, scopes: labelWriteScopes, run: updateLabel},
	{method: "PATCH", pattern: "users/:userId/labels/:id", rpc: "PatchLabel", units: 5, scopes: labelWriteScopes, run: updateLabel},
	{method: "DELETE", pattern: "users/:userId/labels/:id", rpc: "DeleteLabel", units: 5, scopes: labelWriteScopes, run: deleteLabel},

	{method: "GET", pattern: "users/:userId/drafts", rpc: "ListDrafts", units: 5, scopes: draftReadScopes, params: draftParams, run: listDrafts},
	{method: "POST", pattern: "users/:userId/drafts", rpc: "CreateDraft", units: 10, scopes: draftWriteScopes, upload: true, run: createDraft},
	{method: "POST", pattern: "users/:userId/drafts/send", rpc: "SendDraft", units: 100, scopes: draftWriteScopes, upload: true, run: sendDraft},
	{method: "GET", pattern: "users/:userId/drafts/:id", rpc: "GetDraft", units: 20, scopes: draftReadScopes, params: []string{"format"}, run: getDraft},
	{method: "PUT", pattern: "users/:userId/drafts/:id", rpc: "UpdateDraft", units: 15, scopes: draftWriteScopes, upload: true, run: updateDraft},
	{method: "DELETE", pattern: "users/:userId/drafts/:id", rpc: "DeleteDraft", units: 10, scopes: draftWriteScopes, run: deleteDraft},

	{method: "GET", pattern: "users/:userId/history", rpc: "ListHistory", units: 2, scopes: messageReadScopes, params: changeParams, run: listHistory},

	{method: "GET", pattern: "users/:userId/settings/sendAs", rpc: "ListSendAs", units: 1, scopes: settingsScopes, run: listSendAs},
	{method: "GET", pattern: "users/:userId/settings/sendAs/:sendAsEmail", rpc: "GetSendAs", units: 1, scopes: settingsScopes, run: getSendAs},
	{method: "GET", pattern: "users/:userId/settings/filters", rpc: "ListFilters", units: 1, scopes: settingsScopes, run: listFilters},
	{method: "POST", pattern: "users/:userId/settings/filters", rpc: "CreateFilter", units: 5, scopes: settingsWriteScopes, run: createFilter},
	{method: "GET", pattern: "users/:userId/settings/filters/:id", rpc: "GetFilter", units: 1, scopes: settingsScopes, run: getFilter},
	{method: "DELETE", pattern: "users/:userId/settings/filters/:id", rpc: "DeleteFilter", units: 5, scopes: settingsWriteScopes, run: deleteFilter},
	{method: "GET", pattern: "users/:userId/settings/vacation", rpc: "GetVacation", units: 1, scopes: settingsScopes, run: getVacation},
	{method: "PUT", pattern: "users/:userId/settings/vacation", rpc: "UpdateVacation", units: 5, scopes: settingsWriteScopes, run: updateVacation},
}
